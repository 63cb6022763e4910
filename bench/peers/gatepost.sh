# shellcheck shell=bash
# Gatepost, as it comes but for its limits on connections, for the load opens more than anybody's devices would, and for
# LITERAL+, which the others have.
# Variables and functions are used by common.sh and compare.sh.
# shellcheck disable=SC2034
PORT=13993

install() {
    [ -x "$GATEPOST" ] || die "there is no $GATEPOST; cargo build --release"
}

prepare() {
    mkdir -p "$HOME_DIR/data"
    write_config >"$HOME_DIR/gatepost.toml"
    local user
    for ((user = 0; user < USERS; user++)); do
        "$GATEPOST" account add "user$user" --password-stdin --config "$HOME_DIR/gatepost.toml" <"$PASSWORD" >/dev/null
    done
}

write_config() {
    cat <<CONF
[server]
data = "$HOME_DIR/data"
hostname = "localhost"

[network]
listeners = [
  { address = "127.0.0.1:$PORT", kind = "imap-tls" },
  { address = "127.0.0.1:$((PORT + 1))", kind = "lmtp" },
]

[tls]
certificates = [{ chain = "$CERTIFICATE", key = "$KEY" }]

[limits]
literal_plus = "authenticated"
connections_per_account = 10000
preauth_connections_per_address = 100000
preauth_connections_per_network = 1000000
CONF
}

command_of() {
    COMMAND=("$GATEPOST" serve --config "$HOME_DIR/gatepost.toml")
}

version() {
    local commit
    commit=$(git -C "$HERE" rev-parse --short HEAD 2>/dev/null) || commit=unknown
    echo "$("$GATEPOST" --version), commit $commit"
}

config() {
    cat "$HOME_DIR/gatepost.toml"
}

data() {
    echo "$HOME_DIR/data"
}
