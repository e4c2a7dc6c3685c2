#!/usr/bin/python3
"""A portal that is not xdg-desktop-portal: other versions, other habits, lies. Its argument says which.

  version N    ScreenCast of that version; from 5 on streams have a pipewire-serial
  early        Responses come before the answers to their calls
  old-path     the paths of requests are not those that the tokens say
  mute         answers no call of ScreenCast
  liar         Responses of wrong types; forged ones from another connection come first
  no-streams   allows, and gives nothing
  no-fd        OpenPipeWireRemote has no descriptor
  bad-session  the session's handle is no path of an object
  long-session the session's handle is longer than anybody needs
"""
import socket
import sys

from gi.repository import Gio, GLib

V = GLib.Variant
PATH = "/org/freedesktop/portal/desktop"
CAST = "org.freedesktop.portal.ScreenCast"
habit = sys.argv[1]
version = int(sys.argv[2]) if habit == "version" else 4
XML = f"""<node><interface name="{CAST}">
<method name="CreateSession"><arg type="a{{sv}}" direction="in"/><arg type="o" direction="out"/></method>
<method name="SelectSources"><arg type="o" direction="in"/><arg type="a{{sv}}" direction="in"/>
<arg type="o" direction="out"/></method>
<method name="Start"><arg type="o" direction="in"/><arg type="s" direction="in"/>
<arg type="a{{sv}}" direction="in"/><arg type="o" direction="out"/></method>
<method name="OpenPipeWireRemote"><arg type="o" direction="in"/><arg type="a{{sv}}" direction="in"/>
<arg type="h" direction="out"/></method>
<property name="version" type="u" access="read"/>
<property name="AvailableSourceTypes" type="u" access="read"/>
<property name="AvailableCursorModes" type="u" access="read"/></interface></node>"""
bus = Gio.bus_get_sync(Gio.BusType.SESSION)
stranger = Gio.DBusConnection.new_for_address_sync(
    Gio.dbus_address_get_for_bus_sync(Gio.BusType.SESSION, None),
    Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION,
    None, None)


def respond(connection, sender, path, body):
    connection.emit_signal(sender, path, "org.freedesktop.portal.Request", "Response", body)
    connection.flush_sync(None)


def results_of(method, sender):
    if method == "CreateSession":
        name = sender[1:].replace(".", "_")
        ends = {"bad-session": "/one and two//", "long-session": "/" + "x" * 4000}
        return {"session_handle": V("s", f"{PATH}/session/{name}{ends.get(habit, '/one')}")}
    if method != "Start" or habit == "no-streams":
        return {}
    stream = {"source_type": V("u", 2), "size": V("(ii)", (320, 200))}
    if version >= 5:
        stream["pipewire-serial"] = V("t", 1 << 33)
    return {"streams": V("a(ua{sv})", [(77, stream)]), "restore_token": V("s", "again")}


def call(_c, sender, _p, _i, method, arguments, invocation):
    if habit == "mute":
        return
    if method == "OpenPipeWireRemote":
        fds = Gio.UnixFDList.new()
        if habit == "no-fd":
            invocation.return_error_literal(Gio.dbus_error_quark(), Gio.DBusError.FAILED, "no fd")
            return
        ours, theirs = socket.socketpair()
        fds.append(theirs.fileno())
        invocation.return_value_with_unix_fd_list(V("(h)", (0,)), fds)
        theirs.close()
        ours.close()
        return
    options = arguments.unpack()[-1]
    print(method, sorted(options), flush=True)
    name = sender[1:].replace(".", "_")
    token = "elsewhere" if habit == "old-path" else options["handle_token"]
    path = f"{PATH}/request/{name}/{token}"
    body = V("(ua{sv})", (0, results_of(method, sender)))
    if habit == "early":
        respond(bus, sender, path, body)
    invocation.return_value(V("(o)", (path,)))
    bus.flush_sync(None)
    if habit == "liar":
        respond(stranger, sender, path, V("(ua{sv})", (1, {})))
        if method == "Start":
            body = V("(sas)", ("what", ["is", "this"]))
    if habit != "early":
        respond(bus, sender, path, body)


values = {"version": version, "AvailableSourceTypes": 3, "AvailableCursorModes": 3}
bus.register_object(
    PATH, Gio.DBusNodeInfo.new_for_xml(XML).interfaces[0], call,
    lambda _c, _s, _p, _i, key: V("u", values[key]), None)
Gio.bus_own_name_on_connection(
    bus, "org.freedesktop.portal.Desktop", 0, None, lambda *_: sys.exit("the name is taken"))
GLib.MainLoop().run()
