#!/usr/bin/python3
"""The person in front of the rig's desktop: a backend of xdg-desktop-portal for ScreenCast and Access.

The answers are the lines of the file RIG_ANSWERS, read anew for each dialog; none is "hang":
  cast allow | cancel | deny | hang | close SECONDS (allow, then close the session)
  cast monitor NAME | window | virtual | area X Y WIDTH HEIGHT
  cast node ID WIDTH HEIGHT (without RIG_MUTTER: what plays there)
  camera allow | deny | dismiss | hang
With RIG_MUTTER streams are mutter's, and "allow" is its first monitor, or the window that has the
focus. Without, a stream is node 40 at 10, 20, 640 by 480; nothing plays there. SIGUSR1 ends every
session that shows something, as the desktop's button does.
"""
import os
import signal
import sys

import mutter_cast
from gi.repository import Gio, GLib

V = GLib.Variant
PATH = "/org/freedesktop/portal/desktop"
METHOD = """<method name="{name}"><arg type="o" direction="in"/>{more}<arg type="a{{sv}}"
 direction="in"/><arg type="u" direction="out"/><arg type="a{{sv}}" direction="out"/></method>"""
OBJECT = '<arg type="o" direction="in"/>'
TEXT = '<arg type="s" direction="in"/>'
XML = (
    '<node><interface name="org.freedesktop.impl.portal.ScreenCast">'
    + METHOD.format(name="CreateSession", more=OBJECT + TEXT)
    + METHOD.format(name="SelectSources", more=OBJECT + TEXT)
    + METHOD.format(name="Start", more=OBJECT + TEXT + TEXT)
    + """<property name="AvailableSourceTypes" type="u" access="read"/>
    <property name="AvailableCursorModes" type="u" access="read"/>
    <property name="version" type="u" access="read"/></interface>
    <interface name="org.freedesktop.impl.portal.Session"><method name="Close"/>
    <signal name="Closed"/><property name="version" type="u" access="read"/></interface>
    <interface name="org.freedesktop.impl.portal.Request"><method name="Close"/></interface>
    <interface name="org.freedesktop.impl.portal.Access">"""
    + METHOD.format(name="AccessDialog", more=TEXT * 5)
    + '</interface><interface name="org.freedesktop.impl.portal.Lockdown">'
    + "".join(
        f'<property name="disable-{name}" type="b" access="readwrite"/>'
        for name in ("camera", "microphone", "location", "printing", "save-to-disk",
                     "application-handlers", "sound-output")
    )
    + "</interface></node>"
)
over_mutter = "RIG_MUTTER" in os.environ
PROPERTIES = {
    "AvailableSourceTypes": 7 if over_mutter else 3, "AvailableCursorModes": 7, "version": 4}
bus = Gio.bus_get_sync(Gio.BusType.SESSION)
interfaces = {i.name.rsplit(".", 1)[1]: i for i in Gio.DBusNodeInfo.new_for_xml(XML).interfaces}
sessions = {}


def say(*words):
    print(*words, flush=True)


def answer_for(kind):
    with open(os.environ["RIG_ANSWERS"], encoding="utf8") as file:
        for line in file:
            words = line.split()
            if words and words[0] == kind:
                return words[1:]
    return ["hang"]


def close_session(path, tell):
    session = sessions.pop(path, None)
    if session is not None:
        say("session closed", path)
        if tell:
            bus.emit_signal(None, path, "org.freedesktop.impl.portal.Session", "Closed", None)
        bus.unregister_object(session["id"])
        session["stop"]()


def close_all():
    for path, session in list(sessions.items()):
        if session["is_shown"]:
            close_session(path, True)
    return True


def serve_request(path):
    """The dialog's Request object, which the frontend closes when the program gives up."""
    holder = {}

    def called(_c, _s, _p, _i, _m, _a, invocation):
        say("dialog closed")
        invocation.return_value(None)
        bus.unregister_object(holder["id"])

    holder["id"] = bus.register_object(path, interfaces["Request"], called, None, None)


def create_session(path):
    def called(_c, _s, _p, _i, _m, _a, invocation):
        invocation.return_value(None)
        close_session(path, False)

    made = bus.register_object(path, interfaces["Session"], called, lambda *_: V("u", 1), None)
    sessions[path] = {"id": made, "options": {}, "is_shown": False, "stop": lambda: None}


def start_cast(path, invocation):
    options = sessions[path]["options"]
    restored = options.get("restore_data")
    answer = restored[2].split() if restored else answer_for("cast")
    say("cast", *answer, "restored" if restored else "asked", options.get("cursor_mode"), "of",
        options.get("types"))

    def allow(node, stream):
        if path not in sessions:
            return  # given up meanwhile
        sessions[path]["is_shown"] = True
        results = {"streams": V("a(ua{sv})", [(node, stream)])}
        if options.get("persist_mode"):
            results["persist_mode"] = V("u", options["persist_mode"])
            results["restore_data"] = V("(suv)", ("rig", 1, V("s", " ".join(answer))))
        invocation.return_value(V("(ua{sv})", (0, results)))

    if answer[0] == "hang":
        return
    if answer[0] in ("cancel", "deny"):
        invocation.return_value(V("(ua{sv})", (1 if answer[0] == "cancel" else 2, {})))
    elif over_mutter:
        show(path, answer, allow)
    else:
        numbers = answer[1:4] if answer[0] == "node" else ["40", "640", "480"]
        node, *size = map(int, numbers)
        allow(node, {"source_type": V("u", 1), "position": V("(ii)", (10, 20)),
                     "size": V("(ii)", size)})
    if answer[0] == "close":
        GLib.timeout_add(int(float(answer[1]) * 1000), lambda: close_session(path, True))


def show(path, answer, allow):
    options = sessions[path]["options"]
    if answer[0] in ("allow", "close"):
        answer = ["monitor", "Meta-0"] if options["types"] & mutter_cast.MONITOR else ["window"]
    sessions[path]["stop"] = mutter_cast.start(
        bus, answer, options.get("cursor_mode", 1), allow, lambda: close_session(path, True))


def cast(_c, _s, _p, _i, method, arguments, invocation):
    given = arguments.unpack()
    path = given[1]
    if method == "CreateSession":
        create_session(path)
    elif method == "SelectSources":
        sessions[path]["options"] = given[3]
    else:
        serve_request(given[0])
        start_cast(path, invocation)
        return
    invocation.return_value(V("(ua{sv})", (0, {})))


def access(_c, _s, _p, _i, _method, arguments, invocation):
    answer = answer_for("camera")[0]
    say("access", answer)
    serve_request(arguments.unpack()[0])
    if answer != "hang":
        code = {"allow": 0, "deny": 1, "dismiss": 2}[answer]
        invocation.return_value(V("(ua{sv})", (code, {})))


bus.register_object(
    PATH, interfaces["ScreenCast"], cast, lambda _c, _s, _p, _i, name: V("u", PROPERTIES[name]), None)
bus.register_object(PATH, interfaces["Access"], access, None, None)
bus.register_object(
    PATH, interfaces["Lockdown"], None, lambda *_: V("b", False), lambda *_: True)
Gio.bus_own_name_on_connection(
    bus, "org.freedesktop.impl.portal.desktop.rig", 0, None, lambda *_: sys.exit("the name is taken"))
GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGUSR1, close_all)
GLib.MainLoop().run()
