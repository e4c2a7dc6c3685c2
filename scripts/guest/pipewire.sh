# To be sourced in a guest: a private session with PipeWire and its session manager, which makes nodes of
# the guest's cameras and cards. pipewire_down ends it.

export XDG_RUNTIME_DIR=/run/session XDG_CONFIG_HOME=/run/session/config XDG_STATE_HOME=/run/session/state
export DBUS_SESSION_BUS_ADDRESS=unix:path=$XDG_RUNTIME_DIR/bus
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$XDG_RUNTIME_DIR/none
# WirePlumber asks logind through these; without them its metadata takes over a minute.
mkdir -p /run/systemd/{seats,sessions,users,machines}
mkdir -m 700 $XDG_RUNTIME_DIR
daemons=""

# pipewire_start SOCKET COMMAND...: in the background, until its socket is there.
pipewire_start() {
  local socket=$XDG_RUNTIME_DIR/$1
  shift
  "$@" > "$XDG_RUNTIME_DIR/$1.log" 2>&1 &
  daemons="$! $daemons"
  until [ -z "$socket" ] || [ -e "$socket" ]; do sleep 0.1; done
}

pipewire_down() {
  kill $daemons
  wait $daemons
  unset XDG_RUNTIME_DIR XDG_CONFIG_HOME XDG_STATE_HOME DBUS_SESSION_BUS_ADDRESS DBUS_SYSTEM_BUS_ADDRESS
}

pipewire_start bus dbus-daemon --session --nofork --nopidfile --address=$DBUS_SESSION_BUS_ADDRESS
pipewire_start pipewire-0 pipewire
pipewire_start . wireplumber
