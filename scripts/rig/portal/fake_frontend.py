#!/usr/bin/python3
"""A portal that is not xdg-desktop-portal: other versions, other habits, lies. Its argument says which.

  version N [types N] [cursors N]
               ScreenCast of that version, with what that version has
  early        Responses come before the answers to their calls
  old-path     the paths of requests are not those that the tokens say
  late         a dialog that hangs is open before the call that opened it is answered
  mute         answers no call of ScreenCast
  liar         Responses of wrong types; forged ones from another connection come first
  no-streams   allows, and gives nothing
  no-fd        OpenPipeWireRemote has no descriptor
  bad-session  the session's handle is no path of an object
  long-session the session's handle is longer than anybody needs

What is shown is told by the line "cast" of the file RIG_ANSWERS, read anew for each dialog: `node ID
WIDTH HEIGHT SERIAL`, what plays there on the rig's PipeWire; `hang`, a dialog that nobody answers;
anything else, a node 77 where nothing plays. It prints each call with its options, and what is closed.
"""
import json
import os
import socket
import sys

from gi.repository import Gio, GLib

V = GLib.Variant
PATH = "/org/freedesktop/portal/desktop"
CAST = "org.freedesktop.portal.ScreenCast"
habit = sys.argv[1]
numbers = dict(zip(sys.argv[1::2], sys.argv[2::2]))
version = int(numbers.get("version", 4))
values = {"version": version, "AvailableSourceTypes": int(numbers.get("types", 3))}
if version >= 2:
    values["AvailableCursorModes"] = int(numbers.get("cursors", 3))
XML = f"""<node><interface name="{CAST}">
<method name="CreateSession"><arg type="a{{sv}}" direction="in"/><arg type="o" direction="out"/></method>
<method name="SelectSources"><arg type="o" direction="in"/><arg type="a{{sv}}" direction="in"/>
<arg type="o" direction="out"/></method>
<method name="Start"><arg type="o" direction="in"/><arg type="s" direction="in"/>
<arg type="a{{sv}}" direction="in"/><arg type="o" direction="out"/></method>
<method name="OpenPipeWireRemote"><arg type="o" direction="in"/><arg type="a{{sv}}" direction="in"/>
<arg type="h" direction="out"/></method>
{"".join(f'<property name="{key}" type="u" access="read"/>' for key in values)}</interface>
<interface name="org.freedesktop.portal.Session"><method name="Close"/></interface>
<interface name="org.freedesktop.portal.Request"><method name="Close"/></interface></node>"""
interfaces = {i.name.rsplit(".", 1)[1]: i for i in Gio.DBusNodeInfo.new_for_xml(XML).interfaces}
types_of = {}
bus = Gio.bus_get_sync(Gio.BusType.SESSION)
stranger = Gio.DBusConnection.new_for_address_sync(
    Gio.dbus_address_get_for_bus_sync(Gio.BusType.SESSION, None),
    Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION,
    None, None)


def respond(connection, sender, path, body):
    connection.emit_signal(sender, path, "org.freedesktop.portal.Request", "Response", body)
    connection.flush_sync(None)


def answer():
    with open(os.environ["RIG_ANSWERS"], encoding="utf8") as file:
        return next((words[1:] for words in map(str.split, file) if words[:1] == ["cast"]), [])


def results_of(method, session):
    if method == "CreateSession":
        ends = {"bad-session": "//", "long-session": "x" * 4000}
        return {"session_handle": V("s", session + ends.get(habit, ""))}
    if method != "Start" or habit == "no-streams":
        return {}
    words = answer()
    shown = words[1:] if words[:1] == ["node"] else ["77", "320", "200", str(1 << 33)]
    node, width, height, serial = map(int, shown)
    stream = {"size": V("(ii)", (width, height)), "position": V("(ii)", (10, 20))}
    if version >= 3:
        types = types_of.get(session, 1)
        stream["source_type"] = V("u", types & -types)
    if version >= 4:
        stream["id"] = V("s", "the one")
    if version >= 5:
        stream["mapping_id"] = V("s", "a place")
    if version >= 6:
        stream["pipewire-serial"] = V("t", serial)
    results = {"streams": V("a(ua{sv})", [(node, stream)])}
    if version >= 4:
        results["restore_token"] = V("s", "again")
    return results


def serve(path, interface):
    """An object that is closed once, by its program."""
    def closed(_c, _s, _p, _i, _method, _a, invocation):
        print(interface, "closed", flush=True)
        invocation.return_value(None)
        bus.unregister_object(made)

    made = bus.register_object(path, interfaces[interface], closed, None, None)


def remote():
    """A connection to the rig's PipeWire; without one, to nobody."""
    if "PIPEWIRE_RUNTIME_DIR" not in os.environ:
        ours, theirs = socket.socketpair()
        ours.close()
        return theirs
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(os.path.join(os.environ["PIPEWIRE_RUNTIME_DIR"], "pipewire-0"))
    return connection


def open_remote(invocation):
    if habit == "no-fd":
        invocation.return_error_literal(Gio.dbus_error_quark(), Gio.DBusError.FAILED, "no fd")
        return
    fds = Gio.UnixFDList.new()
    with remote() as connection:
        fds.append(connection.fileno())
    invocation.return_value_with_unix_fd_list(V("(h)", (0,)), fds)


def call(_c, sender, _p, _i, method, arguments, invocation):
    if habit == "mute":
        return
    if method == "OpenPipeWireRemote":
        open_remote(invocation)
        return
    *places, options = arguments.unpack()
    print(method, json.dumps(options, sort_keys=True), flush=True)
    name = sender[1:].replace(".", "_")
    token = "elsewhere" if habit == "old-path" else options["handle_token"]
    path = f"{PATH}/request/{name}/{token}"
    session = f"{PATH}/session/{name}/{options.get('session_handle_token')}"
    if method == "CreateSession":
        serve(session, "Session")
    else:
        session = places[0]
    if method == "SelectSources":
        types_of[session] = options["types"]
    hangs = method == "Start" and answer()[:1] == ["hang"]
    if hangs:
        serve(path, "Request")
    body = V("(ua{sv})", (0, results_of(method, session)))
    if habit == "early":
        respond(bus, sender, path, body)
    if habit != "late" or not hangs:
        invocation.return_value(V("(o)", (path,)))
        bus.flush_sync(None)
    if hangs:
        print("dialog open", flush=True)
        return
    if habit == "liar":
        respond(stranger, sender, path, V("(ua{sv})", (1, {})))
        if method == "Start":
            body = V("(sas)", ("what", ["is", "this"]))
    if habit != "early":
        respond(bus, sender, path, body)


bus.register_object(
    PATH, interfaces["ScreenCast"], call, lambda _c, _s, _p, _i, key: V("u", values[key]), None)
Gio.bus_own_name_on_connection(
    bus, "org.freedesktop.portal.Desktop", 0, None, lambda *_: sys.exit("the name is taken"))
GLib.MainLoop().run()
