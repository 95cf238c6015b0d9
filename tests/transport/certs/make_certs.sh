#!/bin/sh
# Makes the certificates of this directory anew. They protect nothing: the keys are public by being here.
# ca.pem signs server.pem (localhost, 127.0.0.1), wrong-host.pem and expired.pem; self-signed.pem signs itself.
# All but expired.pem are valid for 100 years. Each server file holds its key and its certificate.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

mkdir "$work/db"
: >"$work/db/index.txt"
echo 01 >"$work/db/serial"
cat >"$work/ca.cnf" <<CONFIG
[ca]
default_ca = test
[test]
dir = $work/db
new_certs_dir = $work/db
database = $work/db/index.txt
serial = $work/db/serial
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
CONFIG

# sign <subject> <key> <extensions> <first day> <last day> <signer options ...>: prints the certificate
sign() {
    openssl req -new -key "$2" -subj "/CN=$1" -out "$work/request.csr"
    printf '%s\n' "$3" >"$work/extensions"
    start=$4 end=$5
    shift 5
    openssl ca -batch -notext -config "$work/ca.cnf" -in "$work/request.csr" -extfile "$work/extensions" \
        -startdate "$start" -enddate "$end" -out "$work/signed.pem" "$@"
    cat "$work/signed.pem"
}

leaf_extensions() {
    printf '%s\n' "subjectAltName=$1" "basicConstraints=critical,CA:FALSE" "keyUsage=critical,digitalSignature" \
        "extendedKeyUsage=serverAuth" "subjectKeyIdentifier=hash" "authorityKeyIdentifier=keyid"
}

here="DNS:localhost,IP:127.0.0.1"
first=20200101000000Z
last=21200101000000Z

key "$work/ca.key"
sign "zadig-async test authority" "$work/ca.key" "basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash" $first $last -selfsign -keyfile "$work/ca.key" >ca.pem

key "$work/leaf.key"
issue() {
    sign "$1" "$work/leaf.key" "$(leaf_extensions "$2")" "$first" "$3" -cert ca.pem -keyfile "$work/ca.key" \
        >"$work/$1.pem"
    cat "$work/leaf.key" "$work/$1.pem" >"$1.pem"
}
issue server "$here" $last
issue wrong-host "DNS:elsewhere.invalid" $last
issue expired "$here" 20200201000000Z

key "$work/self.key"
sign "self-signed" "$work/self.key" "subjectAltName=$here" $first $last -selfsign -keyfile "$work/self.key" \
    >"$work/self.pem"
cat "$work/self.key" "$work/self.pem" >self-signed.pem
