#!/usr/bin/python3
"""A Wayland program that shows known pixels; speaks the protocol itself and needs no library.

Commands are lines of standard input; each is answered by a line of JSON when the compositor has
taken it:
  window NAME WIDTH HEIGHT FILE [OUTPUT]  maps a window of raw BGRX pixels; with OUTPUT, fullscreen on
                                          the monitor of that number
  paint NAME WIDTH HEIGHT FILE            other pixels, of another size if that differs
  fill NAME X Y WIDTH HEIGHT RRGGBB       one colour in a part of it, and damage only there
  close NAME
The pointer over its windows is a box of one colour, CURSOR.
https://wayland.freedesktop.org/docs/html/apa.html
"""
import array
import json
import mmap
import os
import select
import socket
import struct
import sys

ARGB8888, XRGB8888 = 0, 1
CURSOR = {"width": 24, "height": 16, "hotspot": (5, 3), "color": 0xff204060}


class Connection:
    def __init__(self):
        path = os.path.join(os.environ["XDG_RUNTIME_DIR"], os.environ["WAYLAND_DISPLAY"])
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.data = b""
        self.handlers = {}
        self.last_id = 1
        self.handlers[1] = self.on_display

    def new(self, handler=lambda opcode, body: None):
        self.last_id += 1
        self.handlers[self.last_id] = handler
        return self.last_id

    def send(self, target, opcode, form="", *values, fd=None):
        body = b""
        for kind, value in zip(form, values):
            if kind == "s":
                text = value.encode() + b"\0"
                body += struct.pack("=I", len(text)) + text + b"\0" * (-len(text) % 4)
            else:
                body += struct.pack("=" + kind, value)
        message = struct.pack("=II", target, (len(body) + 8) << 16 | opcode) + body
        rights = [] if fd is None else [
            (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
        self.socket.sendmsg([message], rights)

    def on_display(self, opcode, body):
        if opcode == 0:
            target, code, length = struct.unpack_from("=III", body)
            sys.exit(f"object {target}, error {code}: {body[12:12 + length - 1].decode()}")

    def dispatch(self):
        received = self.socket.recv(65536)
        if not received:
            sys.exit("the compositor ended")
        self.data += received
        while len(self.data) >= 8:
            target, word = struct.unpack_from("=II", self.data)
            if len(self.data) < word >> 16:
                break
            body, self.data = self.data[8:word >> 16], self.data[word >> 16:]
            self.handlers.get(target, lambda opcode, body: None)(word & 0xffff, body)

    def wait(self, is_done):
        while not is_done():
            self.dispatch()

    def roundtrip(self):
        done = []
        self.send(1, 0, "I", self.new(lambda opcode, body: done.append(True)))
        self.wait(lambda: done)


wayland = Connection()
names = {}
outputs = []


def on_global(opcode, body):
    if opcode == 0:
        number, length = struct.unpack_from("=II", body)
        interface = body[8:8 + length - 1].decode()
        names.setdefault(interface, []).append(number)


registry = wayland.new(on_global)
wayland.send(1, 1, "I", registry)
wayland.roundtrip()


def bind(interface, version, handler=lambda opcode, body: None, which=0):
    made = wayland.new(handler)
    wayland.send(registry, 0, "IsII", names[interface][which], interface, version, made)
    return made


def on_output(at):
    def called(opcode, body):
        if opcode == 0:
            outputs[at][1][:2] = struct.unpack_from("=ii", body)
        elif opcode == 1 and struct.unpack_from("=I", body)[0] & 1:
            outputs[at][1][2:] = struct.unpack_from("=ii", body, 4)
    return called


for index in range(len(names["wl_output"])):
    outputs.append([0, [0, 0, 0, 0]])
    outputs[index][0] = bind("wl_output", 2, on_output(index), index)
compositor = bind("wl_compositor", 4)
memory = bind("wl_shm", 1)
shell = bind("xdg_wm_base", 1, lambda opcode, body: wayland.send(
    shell, 3, "I", struct.unpack("=I", body)[0]))
wayland.roundtrip()
outputs.sort(key=lambda output: output[1][:2])


def make_buffer(width, height, pixels, form):
    size = len(pixels)
    fd = os.memfd_create("picture")
    os.ftruncate(fd, size)
    with mmap.mmap(fd, size) as mapping:
        mapping[:] = bytes(pixels)
    pool, buffer = wayland.new(), wayland.new()
    wayland.send(memory, 0, "Ii", pool, size, fd=fd)
    os.close(fd)
    wayland.send(pool, 0, "IiiiiI", buffer, 0, width, height, width * 4, form)
    wayland.send(pool, 1)
    return buffer


def show_buffer(surface, buffer, damage):
    wayland.send(surface, 1, "Iii", buffer, 0, 0)
    wayland.send(surface, 9, "iiii", *damage)
    wayland.send(surface, 6)


class Cursor:
    """Its own surface, set whenever the pointer comes to a window."""

    def __init__(self):
        width, height = CURSOR["width"], CURSOR["height"]
        self.surface = wayland.new()
        wayland.send(compositor, 0, "I", self.surface)
        pixels = struct.pack("=I", CURSOR["color"]) * (width * height)
        self.buffer = make_buffer(width, height, pixels, ARGB8888)
        self.pointer = None
        self.seat = bind("wl_seat", 1, self.on_seat)

    def on_seat(self, opcode, body):
        if opcode == 0 and struct.unpack("=I", body)[0] & 1 and self.pointer is None:
            self.pointer = wayland.new(self.on_pointer)
            wayland.send(self.seat, 0, "I", self.pointer)

    def on_pointer(self, opcode, body):
        if opcode == 0:
            serial = struct.unpack_from("=I", body)[0]
            wayland.send(self.pointer, 0, "IIii", serial, self.surface, *CURSOR["hotspot"])
            show_buffer(self.surface, self.buffer, (0, 0, CURSOR["width"], CURSOR["height"]))


cursor = Cursor()
wayland.roundtrip()


class Window:
    def __init__(self, name):
        self.configured = False
        self.surface = wayland.new()
        wayland.send(compositor, 0, "I", self.surface)
        self.shell_surface = wayland.new(self.on_configure)
        wayland.send(shell, 2, "II", self.shell_surface, self.surface)
        self.top = wayland.new()
        wayland.send(self.shell_surface, 1, "I", self.top)
        wayland.send(self.top, 2, "s", name)
        self.buffer = None

    def on_configure(self, opcode, body):
        wayland.send(self.shell_surface, 4, "I", struct.unpack("=I", body)[0])
        self.configured = True

    def map(self, output):
        if output is not None:
            wayland.send(self.top, 11, "I", outputs[output][0])
        wayland.send(self.surface, 6)
        wayland.wait(lambda: self.configured)

    def paint(self, width, height, pixels):
        self.width, self.height, self.pixels = width, height, bytearray(pixels)
        self.show(0, 0, width, height)

    def fill(self, x, y, width, height, color):
        row = struct.pack("=I", color) * width
        for line in range(y, y + height):
            at = (line * self.width + x) * 4
            self.pixels[at:at + len(row)] = row
        self.show(x, y, width, height)

    def show(self, *damage):
        """A buffer anew for each picture: nobody has to wait until the old one is released."""
        buffer = make_buffer(self.width, self.height, self.pixels, XRGB8888)
        show_buffer(self.surface, buffer, damage)
        if self.buffer is not None:
            wayland.send(self.buffer, 0)
        self.buffer = buffer

    def close(self):
        wayland.send(self.top, 0)
        wayland.send(self.shell_surface, 0)
        wayland.send(self.surface, 0)


windows = {}


def read_pixels(path, width, height):
    with open(path, "rb") as file:
        pixels = file.read()
    if len(pixels) != width * height * 4:
        sys.exit(f"{path} is not {width} x {height}")
    return pixels


def run(command, name="", *words):
    if command == "window":
        width, height = int(words[0]), int(words[1])
        windows[name] = Window(name)
        windows[name].map(int(words[3]) if len(words) > 3 else None)
        windows[name].paint(width, height, read_pixels(words[2], width, height))
    elif command == "paint":
        width, height = int(words[0]), int(words[1])
        windows[name].paint(width, height, read_pixels(words[2], width, height))
    elif command == "fill":
        windows[name].fill(*(int(word) for word in words[:4]), int(words[4], 16))
    elif command == "close":
        windows.pop(name).close()
    wayland.roundtrip()
    return {}


def answer_commands():
    text = b""
    print(json.dumps({"ready": True}), flush=True)
    while True:
        readable, _, _ = select.select([0, wayland.socket], [], [])
        if wayland.socket in readable:
            wayland.dispatch()
        if 0 in readable:
            received = os.read(0, 65536)
            if not received:
                return
            text += received
            while b"\n" in text:
                line, text = text.split(b"\n", 1)
                print(json.dumps(run(*line.decode().split())), flush=True)


answer_commands()
