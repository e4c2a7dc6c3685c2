// `doctor`: what it says with sources, without any, and without the library.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { library } from "../../src/ffi/mod.ts";
import type { Finding } from "../../src/cli/finding.ts";
import { describeResult, runtime } from "../support/process.ts";
import { miniav, temporaryFolder } from "./support/cli.ts";

const KINDS = ["camera", "screen", "microphone", "loopback"];

/** A machine on which nothing runs. */
function emptySession(folder: string): Record<string, string | undefined> {
  return {
    XDG_RUNTIME_DIR: folder,
    DBUS_SESSION_BUS_ADDRESS: undefined,
    PIPEWIRE_REMOTE: undefined,
    PIPEWIRE_RUNTIME_DIR: undefined,
    PULSE_SERVER: undefined,
    PULSE_RUNTIME_PATH: undefined,
    WAYLAND_DISPLAY: undefined,
    DISPLAY: undefined,
  };
}

async function findings(env: Record<string, string | undefined>, code: number) {
  const result = await miniav(["doctor", "--json"], { env });
  assert.equal(result.code, code, describeResult(result));
  const list = JSON.parse(result.stdout) as Finding[];
  return (name: string) => {
    const found = list.find((finding) => finding.name === name);
    assert.ok(found !== undefined, `nothing about ${name}: ${result.stdout}`);
    return found;
  };
}

test("with test devices everything is usable", async () => {
  const result = await miniav(["doctor"]);
  assert.equal(result.code, 0, describeResult(result));
  assert.match(result.stdout, /^MiniAV \d+\.\d+\.\d+, (Deno|Bun) [\d.]+, /);
  assert.match(result.stdout, /^ok +library +\d+\.\d+\.\d+, .*miniav/m);
  assert.match(result.stdout, /^ok +frames +without a copy$/m);
  for (const kind of KINDS) {
    assert.match(result.stdout, new RegExp(`^ok +${kind} +.*permission: `, "m"));
  }
  assert.match(result.stdout, /^Usable: camera, screen, microphone, loopback\.\n$/m);
});

test("what of loopback works is said, and what to do where nothing does", async () => {
  const tests = await findings({ MINIAV_LOOPBACK_BACKEND: "test" }, 0);
  const { text } = tests("loopback");
  assert.match(text, /^\d devices \(test devices\), default "/);
  assert.match(text, /^1 program plays now$/m);
  assert.match(text, /^programs, test devices: one, or all but that one$/m);
  assert.match(text, /^windows, 1 whose processes are known$/m);
  const folder = temporaryFolder();
  const env = { ...emptySession(folder), MINIAV_TEST_DEVICES: undefined };
  const result = await miniav(["doctor", "--json"], { env });
  const list = JSON.parse(result.stdout) as Finding[];
  const nothing = list.find(({ name }) => name === "loopback");
  assert.equal(nothing?.state, "missing", describeResult(result));
  assert.equal(nothing.text, "neither PipeWire nor PulseAudio answers");
  assert.match(nothing.advice, /^PipeWire or PulseAudio is needed\..*systemctl --user start/);
});

test("without the library it says so, and what to do", async () => {
  const result = await miniav(["doctor"], { env: { MINIAV_LIBRARY: "/nowhere/libminiav.so" } });
  assert.equal(result.code, 1, describeResult(result));
  assert.match(result.stdout, /^FAIL +library +.*could not be loaded/m);
  assert.match(result.stdout, /^ +→ .*deno task build/m);
  assert.match(result.stdout, /^Not usable: the library does not load\.\n$/m);
});

test("services that do not answer are missing, with what starts them", async () => {
  const folder = temporaryFolder();
  const find = await findings(emptySession(folder), 0);
  for (const name of ["PipeWire", "PulseAudio"]) {
    const { state, text, advice } = find(name);
    assert.equal(state, "missing", text);
    assert.ok(text.includes(folder) || text.includes("is not installed"), text);
    assert.match(advice, /systemctl|install|apk add|pacman/);
  }
  assert.match(find("display").text, /WAYLAND_DISPLAY and DISPLAY are not set/);
});

/** Bun gives a test five seconds unless told. */
const LONGER = { timeout: 60_000 };

test("why no screen can be seen, and what of the portal is missing", LONGER, async () => {
  const folder = temporaryFolder();
  const parts = join(folder, "xdg-desktop-portal", "portals");
  const services = join(folder, "dbus-1", "services");
  for (const path of [parts, services]) mkdirSync(path, { recursive: true });
  writeFileSync(join(services, "org.freedesktop.portal.Desktop.service"), "");
  const interfaces = (name: string) =>
    `[portal]\nInterfaces=org.freedesktop.impl.portal.${name};\n`;
  writeFileSync(join(parts, "gtk.portal"), interfaces("FileChooser"));
  const env = {
    ...emptySession(folder),
    MINIAV_TEST_DEVICES: undefined,
    // Whatever this machine has of the others.
    MINIAV_CAMERA_BACKEND: "test",
    MINIAV_SCREEN_BACKEND: undefined,
    MINIAV_AUDIO_BACKEND: "test",
    MINIAV_LOOPBACK_BACKEND: "test",
    XDG_DATA_DIRS: folder,
    XDG_DESKTOP_PORTAL_DIR: undefined,
    XDG_CURRENT_DESKTOP: "KDE",
  };
  const nothing = await findings(env, 1);
  assert.match(
    nothing("screen").text,
    /^no screen backend works on this machine: portal: .+; x11: there is no X server: DISPLAY is not set$/,
  );
  assert.match(nothing("screen").advice, /DISPLAY.*portal/);
  assert.match(nothing("portal").text, /installed, but no desktop's part/);
  assert.match(nothing("portal").advice, /xdg-desktop-portal-kde\b/);

  writeFileSync(join(parts, "kde.portal"), interfaces("ScreenCast"));
  const display = ":64999"; // nobody counts so far
  const dead = await findings({ ...env, DISPLAY: display }, 1);
  assert.deepEqual(dead("portal"), {
    name: "portal",
    state: "ok",
    text: "xdg-desktop-portal is installed, screens by kde (asks the person for screens)",
    advice: "",
  });
  assert.match(dead("screen").text, /: x11: no X server answers at DISPLAY=:64999$/);
  assert.match(dead("display").advice, /Xvfb/);
  const wishes = [["--screen"], ["--window", "any"]].flatMap((where) =>
    [undefined, "x11"].map((backend) => ({ where, backend }))
  );
  await Promise.all(wishes.map(async ({ where, backend }) => {
    const forced = { ...env, DISPLAY: display, MINIAV_SCREEN_BACKEND: backend };
    const result = await miniav(["snapshot", ...where, "-o", "-"], { env: forced });
    assert.equal(result.code, 1, describeResult(result));
    assert.match(result.stderr, /NOT_SUPPORTED: .*x11: no X server answers at DISPLAY=:64999$/m);
    assert.match(result.stderr, /^miniav doctor says what works here/m);
  }));
});

test("a service that answers is running, a socket that nobody serves is not", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "pulse"));
  writeFileSync(join(folder, "pulse", "native"), "");
  // What listens is asked for nothing: the PipeWire of a real session would be talked to.
  const server = createServer((socket) => socket.resume());
  await new Promise<void>((resolve) => server.listen(join(folder, "wayland-9"), resolve));
  try {
    const find = await findings({ ...emptySession(folder), WAYLAND_DISPLAY: "wayland-9" }, 0);
    assert.deepEqual(find("display"), {
      name: "display",
      state: "ok",
      text: "Wayland, wayland-9",
      advice: "",
    });
    assert.equal(find("PulseAudio").state, "missing");
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

test("nothing to capture from is exit code 1", async () => {
  const folder = temporaryFolder();
  const env = {
    ...emptySession(folder),
    MINIAV_TEST_DEVICES: undefined,
    // No other backend is tried, whatever this machine has.
    MINIAV_CAMERA_BACKEND: "test",
    MINIAV_SCREEN_BACKEND: "test",
    MINIAV_AUDIO_BACKEND: "test",
    MINIAV_LOOPBACK_BACKEND: "test",
  };
  const result = await miniav(["doctor"], { env });
  assert.equal(result.code, 1, describeResult(result));
  assert.match(result.stdout, /^Nothing to capture from here\. --test-devices /m);
  for (const kind of KINDS) assert.match(result.stdout, new RegExp(`^-- +${kind} `, "m"));
});

if (runtime === "deno") {
  test("a Deno that may use one file only is told what that costs", async () => {
    const permissions = ["read", "env", "sys", "net"].map((name) => `--allow-${name}`);
    const result = await miniav(["doctor"], {
      permissions: [`--allow-ffi=${library().path}`, ...permissions],
      env: { ...emptySession(temporaryFolder()), DISPLAY: ":4242" },
    });
    assert.equal(result.code, 0, describeResult(result));
    assert.match(result.stdout, /^ok +frames +copied once: .*--allow-ffi/m);
    for (const name of ["PipeWire", "display"]) {
      assert.match(
        result.stdout,
        new RegExp(`^-- +${name} +not known: this Deno may not ask`, "m"),
      );
    }
    assert.match(result.stdout, /--allow-write lets doctor ask/);
  });
}
