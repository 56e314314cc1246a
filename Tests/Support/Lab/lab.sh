#!/usr/bin/env bash
# A local network of hosts for one test. Lab.swift starts it as
#
#   unshare --net --mount --uts --pid --fork --kill-child --mount-proc lab.sh COUNT FAMILY RESPONDER DIRECTORY
#
#   FAMILY     both: 10.77.0.I and link-local IPv6; ipv6: link-local IPv6 only
#   RESPONDER  none, or avahi: each host has a system bus and an avahi-daemon of its own
#   DIRECTORY  for configuration and logs; the caller's to remove
#
# A host is a network, mount and UTS namespace, held by a sleeping process; its eth0 is plugged into
# a bridge in this script's own network namespace. Nothing of it has a name outside. This script is
# process 1 of a PID namespace that everything in the lab runs in: when it ends, which it does at
# the latest at the end of its standard input, the kernel ends the rest.
#
# It prints "host PID" for each (the PID as seen in the lab), then "ready"; then it takes lines
# "cut I" and "heal I" (host I's cable), "part I" and "rejoin I" (to the island of hosts that are parted
# from the rest, and back) and answers each with "done".
set -euo pipefail

count=$1 family=$2 responder=$3 work=$4
holders=()

inside() { # I COMMAND...
  local holder=${holders[$1]}
  shift
  nsenter -t "$holder" -n -m -u -- "$@"
}

# Waits up to ten seconds for what has no event to wait for in a shell.
await() {
  for _ in $(seq 500); do
    "$@" && return
    sleep 0.02
  done
  echo "lab.sh: waited in vain for: $*" >&2
  exit 1
}

make_host() { # I
  local output holder
  # A private /run gives each host its own bus at the usual place.
  exec {output}< <(exec unshare --net --mount --uts bash -ec '
    hostname "host$0"
    mount -t tmpfs -o size=16m,mode=755 tmpfs /run
    mkdir -p /run/dbus /run/avahi-daemon
    echo "$$"
    exec sleep infinity' "$1")
  read -r -u "$output" holder
  holders[$1]=$holder
  ip link add "port$1" type veth peer name eth0 netns "$holder"
  # Without this a link-local address can't be used for a second or two.
  inside "$1" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
    net.ipv6.conf.eth0.accept_dad=0
  inside "$1" ip link set lo up
  if [ "$family" = both ]; then inside "$1" ip address add "10.77.0.$1/24" brd + dev eth0; fi
  inside "$1" ip link set eth0 up
  if [ "$family" = both ]; then inside "$1" ip route add 224.0.0.0/4 dev eth0; fi
  ip link set "port$1" master switch up
}

start_avahi() { # I
  printf '%s\n' '[server]' "host-name=host$1" use-ipv4=yes use-ipv6=yes allow-interfaces=eth0 \
    '[wide-area]' enable-wide-area=no '[publish]' publish-hinfo=no publish-workstation=no \
    >"$work/avahi$1.conf"
  inside "$1" dbus-daemon --system --nofork --nopidfile --nosyslog \
    </dev/null >"$work/dbus$1.log" 2>&1 &
  await inside "$1" test -S /run/dbus/system_bus_socket
  # Debian's limit of processes counts by user, so it would stop the second host's daemon.
  inside "$1" avahi-daemon -f "$work/avahi$1.conf" --no-drop-root --no-chroot --no-rlimits \
    </dev/null >"$work/avahi$1.log" 2>&1 &
}

ip link set lo up
# Snooping would lose multicast: nobody asks for memberships here.
ip link add switch type bridge mcast_snooping 0 stp_state 0 forward_delay 0
ip link set switch up
# A second switch, for hosts that are parted from the others but not from each other.
ip link add island type bridge mcast_snooping 0 stp_state 0 forward_delay 0
ip link set island up
for i in $(seq "$count"); do make_host "$i"; done
if [ "$responder" = avahi ]; then
  for i in $(seq "$count"); do start_avahi "$i"; done
  for i in $(seq "$count"); do await grep -q 'Server startup complete' "$work/avahi$i.log"; done
fi
for i in $(seq "$count"); do echo "host ${holders[$i]}"; done
echo ready

while read -r verb host; do
  case $verb in
    cut) ip link set "port$host" down ;;
    heal) ip link set "port$host" up ;;
    part) ip link set "port$host" master island ;;
    rejoin) ip link set "port$host" master switch ;;
    *) echo "lab.sh: unknown: $verb" >&2 ;;
  esac
  echo "done"
done
