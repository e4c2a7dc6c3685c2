// One gate for result codes, and hints that a person can follow.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  currentRuntime,
  distributionFamily,
  errorCodeName,
  hintFor,
  installCommand,
  installScreenPortal,
  MiniAVError,
  ResultCode,
  unwrap,
} from "../../src/ffi/mod.ts";

test("success passes, everything else throws with its name", () => {
  unwrap(ResultCode.SUCCESS, "Camera.open");
  for (const [name, code] of Object.entries(ResultCode)) {
    if (name === "SUCCESS") continue;
    assert.throws(() => unwrap(code, "Camera.open", "v4l2"), (error) => {
      assert.ok(error instanceof MiniAVError);
      assert.equal(error.code, name);
      assert.equal(error.operation, "Camera.open");
      assert.equal(error.backend, "v4l2");
      assert.ok(error.message.startsWith("Camera.open: "));
      assert.ok(error.message.includes(`(${name}, v4l2)`));
      return true;
    });
  }
  assert.equal(errorCodeName(-9999), "UNKNOWN");
});

test("the detail and the hint are part of the message", () => {
  const error = new MiniAVError("DEVICE_BUSY", {
    operation: "Camera.open",
    detail: "held by process 7",
    hint: "end it",
  });
  assert.match(error.message, /held by process 7/);
  assert.ok(error.message.endsWith("\nend it"));
  assert.equal(error.name, "MiniAVError");
  assert.ok(error instanceof Error);
});

test("a distribution is known by what it says of itself", () => {
  assert.equal(distributionFamily('ID=ubuntu\nID_LIKE="debian"\n'), "debian");
  assert.equal(distributionFamily("NAME=Fedora\nID=fedora\n"), "fedora");
  assert.equal(distributionFamily('ID="rocky"\nID_LIKE="rhel centos fedora"\n'), "fedora");
  assert.equal(distributionFamily("ID=manjaro\nID_LIKE=arch\n"), "arch");
  assert.equal(distributionFamily('ID="opensuse-leap"\nID_LIKE="suse opensuse"\n'), "suse");
  assert.equal(distributionFamily("ID=alpine\n"), "alpine");
  assert.equal(distributionFamily("ID=plan9\n"), null);
  assert.equal(distributionFamily(null), null);
});

test("install commands are those of the distribution", () => {
  assert.equal(installCommand("pulse", "ID=debian\n"), "sudo apt install libpulse0");
  const portals = ["ubuntu:GNOME", "KDE", "sway", "Hyprland"].map((desktop) =>
    installScreenPortal(desktop, "ID=debian\n")
  );
  const names = ["gnome", "kde", "wlr", "hyprland"].map((name) => `xdg-desktop-portal-${name}`);
  assert.deepEqual(portals, names.map((name) => `sudo apt install xdg-desktop-portal ${name}`));
  assert.equal(installCommand("pulse", "ID=fedora\n"), "sudo dnf install pulseaudio-libs");
  assert.equal(installCommand("pipewire", "ID=arch\n"), "sudo pacman -S pipewire");
  assert.match(installCommand("pulse", null), /libpulse0/);
});

test("hints name what can be done", () => {
  currentRuntime();
  assert.match(hintFor("DEVICE_NOT_FOUND", "Camera.open", ""), /Camera\.enumerateDevices/);
  assert.match(hintFor("DEVICE_NOT_FOUND", "Screen.open", ""), /Screen\.enumerateDisplays/);
  assert.match(hintFor("FORMAT_NOT_SUPPORTED", "Microphone.open", ""), /supportedFormats/);
  assert.notEqual(hintFor("PERMISSION_DENIED", "Screen.open", ""), "");
  assert.match(hintFor("SYSTEM_CALL_FAILED", "Microphone.open", ""), /libpulse|PulseAudio/i);
  const isWindow = 'no display has the id "x11:window/123"';
  assert.match(hintFor("DEVICE_NOT_FOUND", "Screen.open", "x11", isWindow), /windowId/);
  const excluded = "the server has one picture of all windows";
  for (const backend of ["x11", "portal"]) {
    assert.equal(hintFor("NOT_SUPPORTED", "Screen.open", backend, excluded), "");
  }
  const silent = "no X server answers there, or it refuses this user";
  assert.match(hintFor("NOT_SUPPORTED", "Screen.open", "x11", silent), /DISPLAY/);
  const noScreen = hintFor("NOT_SUPPORTED", "Screen.open", "");
  assert.match(noScreen, /DISPLAY.*portal/);
  assert.doesNotMatch(noScreen, /portal-gtk/);
  assert.doesNotMatch(hintFor("NOT_SUPPORTED", "Screen.open", "x11"), /PipeWire/);
});
