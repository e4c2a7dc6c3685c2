#!/usr/bin/python3
"""The mouse of a headless mutter, by org.gnome.Mutter.RemoteDesktop. A line X Y of standard input moves
its pointer there; a line of standard output says that it was done."""
import sys

import mutter_cast
from gi.repository import Gio, GLib

V = GLib.Variant
NAME = "org.gnome.Mutter.RemoteDesktop"
PATH = "/org/gnome/Mutter/RemoteDesktop"
SIDE = 4000  # of an area in whose coordinates places are told
bus = Gio.bus_get_sync(Gio.BusType.SESSION)


def call(path, interface, method, arguments=None):
    return bus.call_sync(NAME, path, interface, method, arguments, None, 0, -1, None).unpack()


(session,) = call(PATH, NAME, "CreateSession")
(identity,) = call(session, "org.freedesktop.DBus.Properties", "Get",
                   V("(ss)", (NAME + ".Session", "SessionId")))
area = mutter_cast.area_of(bus, identity, SIDE)
call(session, NAME + ".Session", "Start")
print("ready", flush=True)
for line in sys.stdin:
    place = [float(word) for word in line.split()]
    call(session, NAME + ".Session", "NotifyPointerMotionAbsolute", V("(sdd)", (area, *place)))
    print("moved", flush=True)
