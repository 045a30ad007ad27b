#!/bin/sh
# leash.sh DIR: what is left to do when the demo was killed before it could clean up. It reads lines until the demo is
# gone; the last one names the process groups that were running then. They are killed and DIR is removed.
trap '' HUP INT TERM
running=
while read -r line; do running=$line; done
for group in $running; do kill -9 "-$group" 2>/dev/null; done
rm -rf -- "$1" || { sleep 1 && rm -rf -- "$1"; }
