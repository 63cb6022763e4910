# shellcheck shell=bash
# Dovecot of Debian, with a configuration of its own: mdbox, its usual syncs, login processes that stay, imap processes
# that are used again (its own advice for busy servers). Variables and functions are used by common.sh and compare.sh.
# shellcheck disable=SC2034
PORT=11993

install() {
    install_packages dovecot-imapd dovecot-lmtpd
}

prepare() {
    local user
    mkdir -p "$HOME_DIR/mail" "$HOME_DIR/run"
    chown 5000:5000 "$HOME_DIR/mail"
    for ((user = 0; user < USERS; user++)); do
        echo "user$user:{PLAIN}$(cat "$PASSWORD")::::::"
    done >"$HOME_DIR/users"
    write_config >"$HOME_DIR/dovecot.conf"
}

write_config() {
    cat <<CONF
base_dir = $HOME_DIR/run
state_dir = $HOME_DIR/run
listen = 127.0.0.1
protocols = imap lmtp
log_path = $HOME_DIR/dovecot.log
ssl = required
ssl_cert = <$CERTIFICATE
ssl_key = <$KEY
auth_mechanisms = plain
passdb {
  driver = passwd-file
  args = $HOME_DIR/users
}
userdb {
  driver = static
  args = uid=5000 gid=5000 home=$HOME_DIR/mail/%u
}
first_valid_uid = 5000
mail_location = mdbox:~/mdbox
mail_max_userip_connections = 0
namespace inbox {
  inbox = yes
  separator = /
}
default_process_limit = 20000
default_client_limit = 100000
default_vsz_limit = 4G
service imap-login {
  service_count = 0
  process_min_avail = 2
  process_limit = 4
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = $PORT
    ssl = yes
  }
}
service imap {
  service_count = 200
  process_limit = 20000
}
service lmtp {
  process_min_avail = 2
  inet_listener lmtp {
    port = $((PORT + 1))
  }
}
CONF
}

command_of() {
    COMMAND=(dovecot -F -c "$HOME_DIR/dovecot.conf")
}

version() {
    echo "Dovecot $(dovecot --version)"
}

config() {
    cat "$HOME_DIR/dovecot.conf"
}

data() {
    echo "$HOME_DIR/mail"
}
