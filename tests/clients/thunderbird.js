// What the tests let Thunderbird do, in Thunderbird: `const tb = { ... }` for the scripts that thunderbird.py sends.
//
// Everything that takes time is waited for until it is so, or until DEADLINE_MS have gone by.

const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const { setTimeout } = ChromeUtils.importESModule("resource://gre/modules/Timer.sys.mjs");
const { NetUtil } = ChromeUtils.importESModule("resource://gre/modules/NetUtil.sys.mjs");

const DEADLINE_MS = 120_000;
const LOOK_AGAIN_MS = 50;

// Of an EXISTS that comes while it STOREs Thunderbird takes no notice; its user asks for new mail then, as we do.
const ASK_AGAIN_MS = 3_000;

const tb = {
  // --- The account ---

  async makeAccount({ ca, host, port, socketType, user, password }) {
    const authorities = Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB);
    authorities.addCertFromBase64(ca, "CT,,");
    const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
    login.init(`imap://${host}`, null, `imap://${host}`, user, password, "", "");
    await Services.logins.addLoginAsync(login);

    const server = MailServices.accounts.createIncomingServer(user, host, "imap");
    server.port = port;
    server.socketType = socketType;
    server.authMethod = Ci.nsMsgAuthMethod.passwordCleartext;
    // Nothing is asked for by the clock: what is seen is seen because the server says so.
    server.doBiff = false;
    const identity = MailServices.accounts.createIdentity();
    identity.email = user;
    identity.fullName = "Robin";
    const account = MailServices.accounts.createAccount();
    account.addIdentity(identity);
    account.incomingServer = server;
    MailServices.accounts.defaultAccount = account;

    const about3Pane = await this.about3Pane();
    server.getNewMessages(server.rootFolder, this.window().msgWindow, null);
    const inbox = await this.until("an INBOX", () => server.rootFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox));
    await this.until("its special folders", () =>
      server.rootFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Trash) &&
      server.rootFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Drafts));
    about3Pane.displayFolder(inbox.URI);
  },

  // --- Folders ---

  window() {
    return Services.wm.getMostRecentWindow("mail:3pane");
  },

  async about3Pane() {
    return this.until("the main window", () => {
      const pane = this.window()?.document.getElementById("tabmail")?.currentAbout3Pane;
      return pane?.document.readyState == "complete" && pane.displayFolder && pane.threadTree && pane;
    });
  },

  root() {
    return MailServices.accounts.defaultAccount.incomingServer.rootFolder;
  },

  /** By its path, as it is shown. */
  findFolder(path) {
    return path.split("/").reduce(
      (folder, name) => folder?.subFolders.find(sub => sub.name == name || `${sub.name}/${name}`.match(/^inbox\/inbox$/i)),
      this.root()
    );
  },

  async folder(path) {
    return this.until(`folder ${path}`, () => this.findFolder(path));
  },

  /** Names on the server and uses of all folders: what is shown of INBOX depends on the version. */
  async folders() {
    const uses = ["Inbox", "SentMail", "Drafts", "Junk", "Trash", "Archive"];
    const used = folder => uses.filter(use => folder.flags & Ci.nsMsgFolderFlags[use]);
    const name = folder => folder.QueryInterface(Ci.nsIMsgImapMailFolder).onlineName;
    return Object.fromEntries(this.root().descendants.map(folder => [name(folder), used(folder)]));
  },

  /** Asks the server which folders there are, until this is one of them. */
  async discover(path) {
    MailServices.accounts.defaultAccount.incomingServer.performExpand(this.window().msgWindow);
    await this.folder(path);
  },

  async createFolder(path) {
    const names = path.split("/");
    const name = names.pop();
    const parent = names.length ? await this.folder(names.join("/")) : this.root();
    parent.createSubfolder(name, this.window().msgWindow);
    await this.folder(path);
  },

  async renameFolder(path, name) {
    const folder = await this.folder(path);
    folder.rename(name, this.window().msgWindow);
    await this.folder(path.split("/").slice(0, -1).concat(name).join("/"));
  },

  /** Shows a folder, which opens it on the server; from then on it is watched by IDLE. */
  async open(path) {
    const folder = await this.folder(path);
    const pane = await this.about3Pane();
    pane.displayFolder(folder.URI);
    await this.until(`${path} shown`, () => pane.gFolder == folder && pane.gDBView);
  },

  // --- Messages ---

  /** The header of the message with this Message-ID, once the folder has it; asks for new mail again and again. */
  async message(path, id) {
    const folder = await this.folder(path);
    let asked = Date.now();
    return this.until(`<${id}> in ${path}`, () => {
      if (Date.now() > asked + ASK_AGAIN_MS) {
        asked = Date.now();
        folder.getNewMessages(this.window().msgWindow, null);
      }
      return folder.msgDatabase.getMsgHdrForMessageID(id);
    });
  },

  /** What the list shows of a message, once it does; asks for nothing. */
  async arrived(path, id) {
    const folder = await this.folder(path);
    const header = await this.until(`<${id}> in ${path}`, () => folder.msgDatabase.getMsgHdrForMessageID(id));
    return { subject: header.mime2DecodedSubject, author: header.mime2DecodedAuthor, size: header.messageSize };
  },

  async gone(path, id) {
    const folder = await this.folder(path);
    await this.until(`<${id}> gone from ${path}`, () => !folder.msgDatabase.getMsgHdrForMessageID(id));
  },

  /** Waits until the message looks so to whoever sits before the screen. */
  async looks(path, id, wanted) {
    await this.message(path, id);
    await this.until(`<${id}> with ${JSON.stringify(wanted)}`, () => {
      const header = this.findFolder(path).msgDatabase.getMsgHdrForMessageID(id);
      const keywords = header.getStringProperty("keywords").split(" ");
      return (
        (wanted.flagged ?? header.isFlagged) == header.isFlagged &&
        (wanted.read ?? header.isRead) == header.isRead &&
        (wanted.keywords ?? []).every(keyword => keywords.includes(keyword))
      );
    });
  },

  /** Downloads a folder for the time without a network; returns these messages octet by octet, as base64. */
  async download(path, ids) {
    const folder = await this.folder(path);
    const headers = await Promise.all(ids.map(id => this.message(path, id)));
    // While it is busy with the folder it only seems to: the listener hears of what was running.
    let asked = 0;
    await this.until(`${path} downloaded`, () => {
      if (Date.now() > asked + ASK_AGAIN_MS) {
        asked = Date.now();
        folder.downloadAllForOffline(null, this.window().msgWindow);
      }
      return headers.every(header => folder.hasMsgOffline(header.messageKey));
    });
    const found = {};
    for (const header of headers) {
      const stream = folder.getMsgInputStream(header, {});
      found[header.messageId] = btoa(NetUtil.readInputStreamToString(stream, header.offlineMessageSize));
      stream.close();
    }
    return found;
  },

  /** Reads a message as people do: clicks on it. Returns the text and the attachments that are then to be seen. */
  async read(path, id) {
    const pane = await this.about3Pane();
    await this.open(path);
    const header = await this.message(path, id);
    await this.until(`<${id}> in the list`, () => pane.gDBView.findIndexOfMsgHdr(header, true) < 0xffffffff);
    pane.threadTree.selectedIndex = pane.gDBView.findIndexOfMsgHdr(header, true);
    const text = await this.until(`the text of <${id}>`, () => {
      const shown = pane.messageBrowser?.contentWindow;
      const pages = shown?.gMessage?.messageId == id && shown.document.getElementById("messagepane");
      return shown?.msgLoaded && pages?.contentDocument?.body?.textContent;
    });
    await this.until(`<${id}> marked as read`, () => header.isRead);
    const attachments = pane.messageBrowser.contentWindow.currentAttachments.map(({ name, size }) => ({ name, size }));
    return { text, attachments };
  },

  async flag(path, id) {
    (await this.folder(path)).markMessagesFlagged([await this.message(path, id)], true);
  },

  async unread(path, id) {
    (await this.folder(path)).markMessagesRead([await this.message(path, id)], false);
  },

  async tag(path, id, key) {
    (await this.folder(path)).addKeywordsToMessages([await this.message(path, id)], key);
  },

  async junk(path, id) {
    const { IS_SPAM_SCORE } = Ci.nsIJunkMailPlugin;
    (await this.folder(path)).setJunkScoreForMessages([await this.message(path, id)], IS_SPAM_SCORE, "user", -1);
  },

  async copy(path, id, to, isMove) {
    const [from, where] = [await this.folder(path), await this.folder(to)];
    const header = await this.message(path, id);
    await this.copied(listener =>
      MailServices.copy.copyMessages(from, [header], where, isMove, listener, this.window().msgWindow, false));
  },

  /** Deletes as the key does: into the trash. */
  async trash(path, id) {
    const folder = await this.folder(path);
    const header = await this.message(path, id);
    await this.copied(listener => folder.deleteMessages([header], this.window().msgWindow, false, false, listener, false));
  },

  /** Writes a message in a window of its own and saves it as a draft, once more with another subject. */
  async draft({ to, subject, body, attachment }) {
    const fields = Cc["@mozilla.org/messengercompose/composefields;1"].createInstance(Ci.nsIMsgCompFields);
    Object.assign(fields, { to, subject: `${subject}: first`, body });
    const attached = Cc["@mozilla.org/messengercompose/attachment;1"].createInstance(Ci.nsIMsgAttachment);
    Object.assign(attached, { url: Services.io.newFileURI(await IOUtils.getFile(attachment)).spec });
    attached.name = attachment.split("/").pop();
    fields.addAttachment(attached);
    const parameters = Cc["@mozilla.org/messengercompose/composeparams;1"].createInstance(Ci.nsIMsgComposeParams);
    parameters.composeFields = fields;
    parameters.identity = MailServices.accounts.defaultAccount.defaultIdentity;
    parameters.format = Ci.nsIMsgCompFormat.PlainText;
    MailServices.compose.OpenComposeWindowWithParams(null, parameters);
    const window = await this.until("the window to write in", () => {
      const found = Services.wm.getMostRecentWindow("msgcompose");
      return found?.composeEditorReady && found;
    });
    await this.saveDraft(window);
    // It can only take back what it knows to be there.
    const drafts = this.root().getFolderWithFlags(Ci.nsMsgFolderFlags.Drafts);
    await this.until("the first draft known", () =>
      window.gMsgCompose.compFields.draftId &&
      Array.from(drafts.messages).some(header => header.mime2DecodedSubject == fields.subject));
    window.document.getElementById("msgSubject").value = subject;
    await this.saveDraft(window);
    window.close();
  },

  async saveDraft(window) {
    await window.SaveAsDraft();
    await this.until("the draft saved", () => !window.gWindowLocked && !window.gSaveOperationInProgress);
  },

  // --- Waiting ---

  async until(what, condition) {
    const end = Date.now() + DEADLINE_MS;
    for (;;) {
      const found = condition();
      if (found) {
        return found;
      }
      if (Date.now() > end) {
        throw new Error(`${what}: not within ${DEADLINE_MS} ms`);
      }
      await new Promise(resolve => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  },

  /** Runs what takes an nsIMsgCopyServiceListener, until it has stopped. */
  async copied(start) {
    let status = null;
    start({
      QueryInterface: ChromeUtils.generateQI(["nsIMsgCopyServiceListener"]),
      onStartCopy() {},
      onProgress() {},
      setMessageKey() {},
      getMessageId() {
        return null;
      },
      onStopCopy(result) {
        status = result;
      },
    });
    await this.until("the copy is made", () => status !== null);
    this.check(status);
  },

  check(status) {
    if (!Components.isSuccessCode(status)) {
      throw new Error(`failed with 0x${status.toString(16)}`);
    }
  },
};
