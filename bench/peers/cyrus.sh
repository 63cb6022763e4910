# shellcheck shell=bash
# Cyrus IMAP of Debian. Its packages conflict with Dovecot's, so they are unpacked and not installed; nothing of it goes
# outside the work directory. It runs as the user mail, which every Debian has.
# Variables and functions are used by common.sh and compare.sh.
# shellcheck disable=SC2034
PORT=12993
ROOT=$WORK/cyrus-root
BIN=$ROOT/usr/lib/cyrus/bin
export CYRUS_USER=mail CYRUS_GROUP=mail
# For its own programs alone: others of this machine go on with the libraries that they know.
LIBRARIES=$ROOT/usr/lib/x86_64-linux-gnu:$ROOT/lib/x86_64-linux-gnu

install() {
    install_packages libsasl2-modules libsasl2-modules-db libwrap0
    unpack cyrus-common cyrus-imapd sasl2-bin
    unpack_libraries
    local missing
    missing=$(missing_libraries)
    [ -z "$missing" ] || die "Cyrus lacks $missing"
}

unpack() {
    mkdir -p "$ROOT" "$WORK/packages"
    # apt-get downloads as a user that cannot write where root's temporary files are.
    (cd "$WORK/packages" && apt-get download -qq -o APT::Sandbox::User=root "$@") || die "apt-get cannot download" "$@"
    local package file
    for package in "$@"; do
        for file in "$WORK/packages/${package}"_*.deb; do
            dpkg-deb -x "$file" "$ROOT"
        done
    done
}

missing_libraries() {
    LD_LIBRARY_PATH=$LIBRARIES ldd "$BIN"/{master,imapd,lmtpd,idled,ctl_cyrusdb} | awk '/not found/ { print $1 }' | sort -u
}

# What it is linked with and this machine does not have; libical3 at the least.
unpack_libraries() {
    local package
    for package in $(dpkg-deb -f "$WORK"/packages/cyrus-common_*.deb Depends | grep -oE '\blib[^ ,|]+'); do
        [ -n "$(missing_libraries)" ] || return 0
        is_installed "$package" || unpack "$package"
    done
}

prepare() {
    mkdir -p "$HOME_DIR"/conf/{proc,socket,db,log,msg,user,quota,sieve,lock,ptclient} "$HOME_DIR/spool"
    write_imapd_config >"$HOME_DIR/imapd.conf"
    write_master_config >"$HOME_DIR/cyrus.conf"
    local user
    for ((user = 0; user < USERS; user++)); do
        "$ROOT/usr/sbin/saslpasswd2" -p -c -f "$HOME_DIR/sasldb2" -u localhost "user$user" <"$PASSWORD"
    done
    chown -R mail:mail "$HOME_DIR"
}

# tls_eccurve: it knows P-256 alone unless it is told of another, and all servers are to do the same handshake.
write_imapd_config() {
    cat <<CONF
configdirectory: $HOME_DIR/conf
defaultpartition: default
partition-default: $HOME_DIR/spool
servername: localhost
admins: cyrus
unixhierarchysep: yes
altnamespace: yes
virtdomains: off
allowplaintext: no
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: $HOME_DIR/sasldb2
sasl_mech_list: PLAIN
autocreate_users: anyone
autocreate_post: yes
autocreate_quota: 0
conversations: no
tls_server_cert: $CERTIFICATE
tls_server_key: $KEY
tls_eccurve: X25519
tls_session_timeout: 0
maxlogins_per_user: 0
CONF
}

# Programs with their whole path: the usual place, /usr/lib/cyrus, is compiled in.
write_master_config() {
    local settings="-C $HOME_DIR/imapd.conf" many="maxforkrate=10000"
    cat <<CONF
START {
  recover cmd="$BIN/ctl_cyrusdb $settings -r"
  idled   cmd="$BIN/idled $settings"
}
SERVICES {
  imaps cmd="$BIN/imapd -s $settings" listen="127.0.0.1:$PORT"         prefork=2 maxchild=20000 $many
  lmtp  cmd="$BIN/lmtpd -a $settings" listen="127.0.0.1:$((PORT + 1))" prefork=2 maxchild=200 $many
}
EVENTS {
  checkpoint cmd="$BIN/ctl_cyrusdb $settings -c" period=30
}
CONF
}

command_of() {
    export LD_LIBRARY_PATH=$LIBRARIES
    COMMAND=("$BIN/master" -C "$HOME_DIR/imapd.conf" -M "$HOME_DIR/cyrus.conf" -p "$HOME_DIR/master.pid" -D)
}

version() {
    echo "Cyrus IMAP $(dpkg-deb -f "$WORK"/packages/cyrus-imapd_*.deb Version) (Debian)"
}

config() {
    printf '# imapd.conf\n'
    cat "$HOME_DIR/imapd.conf"
    printf '\n# cyrus.conf\n'
    cat "$HOME_DIR/cyrus.conf"
}

data() {
    echo "$HOME_DIR"
}
