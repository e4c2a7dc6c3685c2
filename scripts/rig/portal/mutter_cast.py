"""Streams of a headless mutter, for backend.py: org.gnome.Mutter.ScreenCast.

https://gitlab.gnome.org/GNOME/mutter/-/blob/43.8/data/dbus-interfaces/org.gnome.Mutter.ScreenCast.xml
"""
from gi.repository import Gio, GLib

V = GLib.Variant
NAME = "org.gnome.Mutter.ScreenCast"
CURSOR_MODES = {1: 0, 2: 1, 4: 2}  # the portal's to mutter's: hidden, embedded, metadata
MONITOR, WINDOW, VIRTUAL = 1, 2, 4


def call(bus, path, interface, method, arguments=None):
    return bus.call_sync(NAME, path, interface, method, arguments, None, 0, -1, None).unpack()


def record(bus, session, words, cursor_mode):
    """Adds what the words of an answer say to a session: path of the stream, type of the source."""
    options = {"cursor-mode": V("u", CURSOR_MODES[cursor_mode])}
    kind, *numbers = words
    if kind == "monitor":
        method, arguments, source = "RecordMonitor", V("(sa{sv})", (numbers[0], options)), MONITOR
    elif kind == "window":  # the one that has the focus
        method, arguments, source = "RecordWindow", V("(a{sv})", (options,)), WINDOW
    elif kind == "virtual":
        method, arguments, source = "RecordVirtual", V("(a{sv})", (options,)), VIRTUAL
    else:
        place = [int(number) for number in numbers]
        method, arguments, source = "RecordArea", V("(iiiia{sv})", (*place, options)), MONITOR
    (stream,) = call(bus, session, NAME + ".Session", method, arguments)
    return stream, source


def area_of(bus, remote_desktop, side):
    """A stream of the whole desktop, of which a remote desktop tells places."""
    options = {"remote-desktop-session-id": V("s", remote_desktop)}
    (session,) = call(bus, "/org/gnome/Mutter/ScreenCast", NAME, "CreateSession",
                      V("(a{sv})", (options,)))
    stream, _ = record(bus, session, ["area", 0, 0, side, side], 1)
    return stream


def start(bus, words, cursor_mode, ready, ended):
    """Begins a session of one stream: ready(node, description), and ended() if mutter ends it.

    What it returns ends the session.
    """
    (session,) = call(bus, "/org/gnome/Mutter/ScreenCast", NAME, "CreateSession", V("(a{sv})", ({},)))
    stream, source = record(bus, session, words, cursor_mode)

    def on_added(_c, _s, _p, _i, _m, arguments):
        properties = call(bus, stream, "org.freedesktop.DBus.Properties", "Get",
                          V("(ss)", (NAME + ".Stream", "Parameters")))[0]
        description = {"source_type": V("u", source)}
        for key in ("position", "size"):
            if key in properties:
                description[key] = V("(ii)", properties[key])
        ready(arguments.unpack()[0], description)

    def on_closed(*_arguments):
        ended()

    subscriptions = [
        bus.signal_subscribe(NAME, NAME + ".Stream", "PipeWireStreamAdded", stream, None,
                             Gio.DBusSignalFlags.NONE, on_added),
        bus.signal_subscribe(NAME, NAME + ".Session", "Closed", session, None,
                             Gio.DBusSignalFlags.NONE, on_closed),
    ]
    call(bus, session, NAME + ".Session", "Start")

    def stop():
        for subscription in subscriptions:
            bus.signal_unsubscribe(subscription)
        try:
            call(bus, session, NAME + ".Session", "Stop")
        except GLib.Error as error:
            print("mutter:", error.message, flush=True)  # it has ended the session, or itself

    return stop

