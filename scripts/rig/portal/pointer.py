#!/usr/bin/python3
"""The mouse of a headless mutter, by org.gnome.Mutter.RemoteDesktop. A line X Y of standard input moves
its pointer there; a line of standard output says that it was done."""
import sys

from gi.repository import Gio, GLib

V = GLib.Variant
NAME = "org.gnome.Mutter.RemoteDesktop"
bus = Gio.bus_get_sync(Gio.BusType.SESSION)


def call(path, interface, method, arguments=None):
    return bus.call_sync(NAME, path, interface, method, arguments, None, 0, -1, None).unpack()


(session,) = call("/org/gnome/Mutter/RemoteDesktop", NAME, "CreateSession")
call(session, NAME + ".Session", "Start")


def move(x, y):
    call(session, NAME + ".Session", "NotifyPointerMotionRelative", V("(dd)", (x, y)))


print("ready", flush=True)
for line in sys.stdin:
    right, down = (float(word) for word in line.split())
    move(-100000.0, -100000.0)
    move(right, down)
    print("moved", flush=True)
