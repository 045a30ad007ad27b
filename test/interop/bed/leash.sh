#!/bin/sh
# leash.sh PROG ARGS...: PROG with an empty stdin. When our own stdin ends, as it does when the test that started us dies
# by whatever cause, the whole process group is killed. Whoever starts this gives it a process group of its own.
exec 9<&0
{ cat <&9 || :; kill -s KILL 0; } >/dev/null 2>&1 &
exec "$@" 9<&- </dev/null
