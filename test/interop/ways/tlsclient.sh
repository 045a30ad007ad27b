#!/bin/bash
# tlsclient.sh HOST PORT NAME CAFILE PROG ARGS...: a UCSPI client of TLS made of openssl s_client, whose certificate must
# be good for NAME. PROG reads the plain text from descriptor 6, writes it to 7, and its exit code is ours.
host=$1 port=$2 name=$3 ca=$4
shift 4
dir=$(mktemp -d) || exit 111
mkfifo "$dir/up" "$dir/down" || exit 111
openssl s_client -quiet -nocommands -verify_quiet -verify_return_error -CAfile "$ca" -verify_hostname "$name" \
	-servername "$name" -alpn xmpp-client -connect "$host:$port" <"$dir/up" >"$dir/down" 2>"$dir/err" &
openssl=$!
# In the order in which s_client opens them; else both wait for ever.
exec 7>"$dir/up" 6<"$dir/down"
PROTO=SSL SSLREMOTEIP=$host SSLREMOTEPORT=$port SSL_TLS_SNI_SERVERNAME=$name "$@"
code=$?
exec 6<&- 7>&-
kill $openssl 2>/dev/null
wait $openssl 2>/dev/null
sed 's/^/tlsclient: /' "$dir/err" >&2
rm -rf "$dir"
exit $code
