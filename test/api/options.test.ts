// Options that lie about their types are refused; none of them becomes another wish in silence.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Camera,
  enableTestDevices,
  Loopback,
  Microphone,
  MiniAVError,
  recordWav,
  Screen,
} from "../../src/mod.ts";
import type { CameraOptions, LoopbackOptions, MicrophoneOptions } from "../../src/mod.ts";
import { useOnlyTestDevices } from "../support/only_test_devices.ts";
import { describeResult, runScript } from "../support/process.ts";

enableTestDevices();
useOnlyTestDevices();

const REFUSED = new URL("./scripts/refused.ts", import.meta.url);

/** A fault of the caller, by the name of what is wrong. */
const isRefusalOf = (options: object) => (error: unknown): boolean => {
  assert.ok(error instanceof MiniAVError, String(error));
  assert.equal(error.code, "INVALID_ARG");
  assert.match(error.message, new RegExp(`\\b${Object.keys(options)[0]}\\b`));
  return true;
};

const CAMERA: Readonly<Record<string, unknown>> = {
  "an id with a zero character": { deviceId: "test:bars\0else" },
  "an id of 10 kB": { deviceId: "x".repeat(10_000) },
  "a width that is no number": { width: NaN },
  "a negative width": { width: -1 },
  "a broken width": { width: 640.5 },
  "a width beyond 32 bits": { width: 2 ** 32 + 640, height: 480, format: "NV12", frameRate: 30 },
  "a frame rate that is no number": { frameRate: NaN },
  "an endless frame rate": { frameRate: Infinity },
  "a format that every object has": { format: "constructor" },
  "a timeout that is no number": { timeout: NaN },
  "a negative timeout": { timeout: -1 },
  "a signal that is none": { signal: {} },
  "an access that does not exist": { access: "copy" },
  "a queue beyond 64 bits": { queue: 1e300 },
  "a reconnect that never pauses": { reconnect: { delay: NaN } },
  "tries that cannot be counted": { reconnect: { attempts: NaN } },
  "a misspelt reconnect": { reconnect: { retries: 3 } },
  "a width in words": { width: "640" },
  "a misspelt wish": { width: { exakt: 640 } },
  "a wish in words": { width: { ideal: "640" } },
  "a rate between 60 and 30": { frameRate: { min: 60, max: 30 } },
  "a range of formats": { format: { min: "NV12" } },
  "a list of formats": { format: ["NV12", "I420"] },
  "an output that does not exist": { output: "vram" },
  "a negative skip": { skip: -1 },
  "a skip that is no number": { skip: NaN },
  "an id that is a number": { deviceId: 5 },
  "an id that is a device": { deviceId: { id: "test:bars" } },
};

for (const [what, options] of Object.entries(CAMERA)) {
  test(`a camera refuses ${what}`, async () => {
    const open = Camera.open({ deviceId: "test:bars", ...options as CameraOptions });
    await assert.rejects(open, isRefusalOf(options as object));
  });
}

const MICROPHONE: Readonly<Record<string, unknown>> = {
  "a rate that is no number": { sampleRate: NaN },
  "a rate beyond 32 bits": { sampleRate: 2 ** 32 + 48_000 },
  "channels that are no number": { channelCount: NaN },
  "half a channel": { channelCount: 1.5 },
  "a format that every object has": { format: "toString" },
  "pieces beyond 64 bits": { chunkMs: 1e300 },
  "pieces of no number": { chunkMs: NaN },
};

for (const [what, options] of Object.entries(MICROPHONE)) {
  test(`a microphone refuses ${what}`, async () => {
    const open = Microphone.open({ deviceId: "test:tone", ...options as MicrophoneOptions });
    await assert.rejects(open, isRefusalOf(options as object));
  });
}

const SCREEN: Readonly<Record<string, unknown>> = {
  "a sound in words": { audio: "yes" },
  "a misspelt member of the sound": { audio: { optionl: true } },
  "a sound that is optional in words": { audio: { optional: "yes" } },
  "a rate that no sound has": { audio: { sampleRate: 1 } },
  "pieces of sound of no number": { audio: { chunkMs: NaN } },
  "a reconnect in words": { reconnect: "foo" },
  "a misspelt member of a region": { region: { x: 0, y: 0, width: 9, height: 9, w: 9 } },
  "a region that begins outside": { region: { x: -1, y: 0, width: 9, height: 9 } },
  "a region without rows": { region: { x: 0, y: 0, width: 9, height: 0 } },
  "half a pixel": { region: { x: 0.5, y: 0, width: 9, height: 9 } },
  "a region in words": { region: { x: "0", y: 0, width: 9, height: 9 } },
  "a pointer that does not exist": { cursor: "foo" },
  "a pointer that every object has": { cursor: "toString" },
  "a consent that does not exist": { persist: "forever" },
  "a sound's source that does not exist": { audioSource: "microphone" },
  "a token that is none": { restoreToken: 5 },
  "a steady stream in words": { repeatLastFrame: "yes" },
  "windows by their titles": { excludedWindows: ["a"] },
  "windows beyond 53 bits": { excludedWindows: [2 ** 60] },
  "the newest frame in words": { latest: "yes" },
  "an endless rate": { frameRate: Infinity },
};

for (const [what, options] of Object.entries(SCREEN)) {
  test(`a screen refuses ${what}`, async () => {
    const open = Screen.open({ displayId: "test:display", ...options as object });
    await assert.rejects(open, isRefusalOf(options as object));
  });
}

test("what only waits has two options, and rejects instead of throwing", async () => {
  const misspelt = { timout: 5 } as object;
  const calls = [
    () => Screen.enumerateDisplays(misspelt),
    () => Screen.enumerateWindows(misspelt),
    () => Screen.supportedFormats("test:display", misspelt),
    () => Screen.permission(misspelt),
    () => Screen.requestPermission(misspelt),
    () => Camera.enumerateDevices(misspelt),
    () => Camera.defaultFormat("test:bars", misspelt),
    () => Microphone.supportedFormats("test:tone", misspelt),
    () => Microphone.defaultFormat("test:tone", misspelt),
    () => Loopback.enumerateDevices(misspelt),
    () => Loopback.supportedFormats("test:system", misspelt),
  ];
  for (const call of calls) {
    await assert.rejects(call(), { code: "INVALID_ARG", message: /no option "timout"/ });
  }
  await assert.rejects(Screen.enumerateDisplays({ timeout: NaN }), { code: "INVALID_ARG" });
  await assert.rejects(Screen.supportedFormats(5 as unknown as string), { code: "INVALID_ARG" });
});

test("a property's value that is none is refused by the property's name", async () => {
  const region = { x: 0, y: 0, width: 64, height: 48 };
  await using screen = await Screen.open({ displayId: "test:display", region });
  const set = screen.setProperty.bind(screen) as (name: string, value: unknown) => Promise<void>;
  const wrong: [string, unknown, RegExp][] = [
    ["region", null, /region is \{ x, y, width, height \}.*, not null/],
    ["region", { ...region, x: -2 }, /region\.x .*not -2/],
    ["region", { ...region, width: 0 }, /region\.width .*not 0/],
    ["region", { ...region, x: 2 ** 20 }, /region.*lies inside its display/s],
    ["excludedWindows", ["a"], /excludedWindows takes at most 32 window ids/],
    ["cursorMode", "foo", /cursorMode takes "hidden" or/],
    ["cursorMode", "toString", /cursorMode takes "hidden" or/],
    ["frameRateLimit", -5, /frameRateLimit.*frames a second/s],
    ["restoreToken", null, /restoreToken is a string, not null/],
    ["shininess", 1, /"shininess" is no property/],
  ];
  for (const [name, value, message] of wrong) {
    await assert.rejects(set(name, value), (error) => {
      assert.ok(error instanceof MiniAVError, `${name}: ${error}`);
      assert.equal(error.code, "INVALID_ARG", error.message);
      assert.match(error.message, message);
      return true;
    });
  }
  assert.deepEqual(await screen.getProperty("region"), region);
  await using whole = await Screen.open({ displayId: "test:display" });
  await assert.rejects(whole.setProperty("region", region), {
    code: "NOT_SUPPORTED",
    hint: /opened with a `region`/,
  });
});

const NAME_OF_256_BYTES = "é".repeat(128);

/** None of these may open anything, least of all the system's mix. */
const LOOPBACK: Readonly<Record<string, unknown>> = {
  "a process of undefined": { processId: undefined },
  "a name of undefined": { name: undefined },
  "a device of undefined": { deviceId: undefined },
  "a window of undefined": { windowId: undefined },
  "a window handle of undefined": { windowHandle: undefined },
  "a system of undefined": { system: undefined },
  "a system id of undefined": { systemId: undefined },
  "targets of undefined": { targets: undefined },
  "a target and a wish, both of undefined": { name: undefined, sampleRate: undefined },
  "a name that C would read as nothing": { name: "\0music" },
  "an empty name": { name: "" },
  "a name that is none": { name: 4242 },
  "a name of null": { name: null },
  "a name of 256 bytes": { name: NAME_OF_256_BYTES },
  "a process beyond 32 bits": { processId: 2 ** 32 },
  "a process that is no number": { processId: NaN },
  "a process in letters": { processId: "4242" },
  "process 0": { processId: 0 },
  "a negative process": { processId: -1 },
  "half a process": { processId: 4242.5 },
  "a process of null": { processId: null },
  "an endless window": { windowHandle: Infinity },
  "window 0": { windowHandle: 0 },
  "a system that is off": { system: false },
  "a system that is 1": { system: 1 },
  "an empty device": { deviceId: "" },
  "an empty window": { windowId: "" },
  "a window that is the system": { windowId: "test:system" },
  "a window that is the default": { windowId: "system_default" },
  "a device that is a number": { deviceId: 4242 },
  "a process and a name": { processId: 4242, name: "test-player" },
  "the system and a process": { system: true, processId: 4242 },
  "a device and a name": { deviceId: "test:process", name: "test-player" },
  "a window and a device": { windowId: "test:window", deviceId: "test:process" },
  "a process and targets": { processId: 4242, targets: [{ name: "test-player" }] },
  "no targets": { targets: [] },
  "targets that are none": { targets: "test-player" },
  "a target that is none": { targets: ["test-player"] },
  "a target that is null": { targets: [null] },
  "a hole among targets": { targets: [{ processId: 4242 }, , { name: "test-player" }] },
  "an empty target": { targets: [{}] },
  "a target of undefined": { targets: [{ processId: undefined }] },
  "a target that is two": { targets: [{ processId: 4242, name: "test-player" }] },
  "a target with a misspelt flag": { targets: [{ processId: 4242, treee: true }] },
  "33 targets": { targets: Array.from({ length: 33 }, () => ({ processId: 4242 })) },
  "everything but nothing": { mode: "exclude" },
  "everything but the system": { system: true, mode: "exclude" },
  "everything but the system, in a list": { targets: [{ system: true }], mode: "exclude" },
  "everything but a device": { deviceId: "test:process", mode: "exclude" },
  "a mode that is none": { processId: 4242, mode: "without" },
  "the tree of a name": { name: "test-player", tree: true },
  "the tree of the system": { system: true, tree: true },
  "the tree of nothing": { tree: true },
  "a tree of a device": { deviceId: "test:process", tree: true },
  "a tree beside targets": { targets: [{ processId: 4242 }], tree: true },
  "a tree that is no boolean": { processId: 4242, tree: "yes" },
  "waiting for the system": { system: true, waitForProcess: true },
  "waiting for nothing": { waitForProcess: true },
  "a process that is followed by name": { processId: 4242, followName: true },
  "an old name of an option": { name: "test-player", wait: true },
  "a misspelt option": { procesId: 4242 },
  "an option of pictures": { system: true, width: 640 },
  "a bare name": "test-player",
  "a bare process": 4242,
  "null": null,
  "a list": [{ processId: 4242 }],
};

for (const [what, options] of Object.entries(LOOPBACK)) {
  test(`loopback refuses ${what}`, async () => {
    await assert.rejects(Loopback.open(options as LoopbackOptions), (error) => {
      assert.ok(error instanceof MiniAVError, String(error));
      assert.equal(error.code, "INVALID_ARG");
      assert.equal(error.operation, "Loopback.open");
      return true;
    });
  });
}

test("the system's mix is what is asked for by name, and by no target at all", async () => {
  const opened = [
    () => Loopback.open(),
    () => Loopback.open({}),
    () => Loopback.open({ sampleRate: undefined, signal: undefined }),
    () => Loopback.open({ system: true, processId: undefined }),
    () => Loopback.open({ systemId: "" }),
    () => Loopback.open({ deviceId: "system_default" }),
  ];
  for (const open of opened) {
    await using system = await open();
    assert.equal(await system.getProperty("perProcess"), false, String(open));
  }
});

test("a program is what is named, in every form", async () => {
  const forms: LoopbackOptions[] = [
    { processId: 4242 },
    { processId: 4242, name: undefined, targets: undefined, mode: undefined },
    { processId: 4242, tree: true, waitForProcess: true, followName: false },
    { name: "TEST-player", followName: false, tree: false },
    { windowHandle: 4243 },
    { windowId: "test:window" },
    { deviceId: "test:process" },
    { targets: [{ processId: 4242 }, { name: "nobody", waitForProcess: true }] },
    { name: "é".repeat(127), waitForProcess: true },
  ];
  for (const options of forms) {
    await using player = await Loopback.open(options);
    assert.equal(await player.getProperty("perProcess"), true, JSON.stringify(options));
  }
});

test("what does not play is not found, and never something else", async () => {
  for (const options of [{ processId: 4244 }, { name: "nobody" }, { windowHandle: 1 }]) {
    await assert.rejects(Loopback.open(options), { code: "DEVICE_NOT_FOUND" });
  }
});

const OPENERS: Readonly<Record<string, (options: object) => Promise<unknown>>> = {
  "Camera.open": (options) => Camera.open(options),
  "Screen.open": (options) => Screen.open(options),
  "Microphone.open": (options) => Microphone.open(options),
  "Loopback.open": (options) => Loopback.open(options),
};

test("an option that does not exist is refused by every kind", async () => {
  for (const [operation, open] of Object.entries(OPENERS)) {
    await assert.rejects(open({ divice: "test:bars" }), (error) => {
      assert.ok(error instanceof MiniAVError, String(error));
      assert.equal(error.code, "INVALID_ARG");
      assert.match(error.message, new RegExp(`^${operation}: .*there is no option "divice"`));
      assert.match(error.hint, /^There are (deviceId|displayId), /);
      return true;
    });
  }
});

test("skip is an option of grab alone", async () => {
  await assert.rejects(
    Camera.open({ deviceId: "test:bars", skip: 2 } as CameraOptions),
    (error) => {
      assert.ok(error instanceof MiniAVError, String(error));
      assert.equal(error.code, "INVALID_ARG");
      assert.match(error.message, /^Camera\.open: .*there is no option "skip"/);
      return true;
    },
  );
  await assert.rejects(Camera.grab({ divice: "test:bars" } as CameraOptions), (error) => {
    assert.match(String(error), /Camera\.grab: .*there is no option "divice"/);
    return true;
  });
  for (const open of Object.values(OPENERS)) {
    await assert.rejects(open({ skip: 2 }), { code: "INVALID_ARG" });
  }
  await assert.rejects(Screen.grab({ skip: 2 } as object), { code: "INVALID_ARG" });
});

test("a size or rate that no device has is named, with the range", async () => {
  const cases: [object, RegExp][] = [
    [{ width: 1e9 }, /width is a whole number from 1 to 32768, not 1000000000/],
    [{ height: { exact: 40_000 } }, /height\.exact is a whole number from 1 to 32768, not 40000/],
    [{ width: -640 }, /width is .*, not -640/],
    [{ frameRate: 0.0001 }, /frameRate is frames a second from 0\.001 to 1000000, not 0\.0001/],
    [{ frameRate: NaN }, /frameRate is .*, not NaN/],
  ];
  for (const [options, message] of cases) {
    for (const open of [OPENERS["Camera.open"]!, OPENERS["Screen.open"]!]) {
      await assert.rejects(open(options), (error) => {
        assert.ok(error instanceof MiniAVError, String(error));
        assert.equal(error.code, "INVALID_ARG");
        assert.match(error.message, message);
        return true;
      });
    }
  }
  // A wish that leaves a choice may say "as much as there is"; a slow rate is the device's matter.
  await using camera = await Camera.open({
    deviceId: "test:bars",
    width: { max: 1e9, ideal: 640 },
  });
  assert.ok(camera.format.width > 0);
  await using slow = await Camera.open({ deviceId: "test:bars", frameRate: 0.001 });
  assert.deepEqual(slow.format.frameRateFraction, [1, 1000]);
});

test("optics are given whole, or the camera is not opened", async () => {
  const whole = {
    width: 640,
    height: 480,
    focalX: 600,
    focalY: 600,
    centreX: 320,
    centreY: 240,
    distortion: [],
  };
  const cases: [unknown, RegExp][] = [
    [4, /intrinsics are an object, not 4/],
    [null, /intrinsics are an object, not null/],
    [{ ...whole, focalY: undefined }, /intrinsics\.focalY is a number, not undefined/],
    [{ ...whole, width: 0 }, /intrinsics\.width is a whole number above 0, not 0/],
    [{ ...whole, distortion: undefined }, /intrinsics\.distortion is a list of up to 8 numbers/],
    [{ ...whole, distortion: [NaN] }, /intrinsics\.distortion is a list/],
    [{ ...whole, distortion: new Array(9).fill(0) }, /intrinsics\.distortion is a list/],
  ];
  await using camera = await Camera.open({ deviceId: "test:bars", intrinsics: whole });
  for (const [intrinsics, message] of cases) {
    const options = { deviceId: "test:nothing", intrinsics } as CameraOptions;
    const isRight = (operation: string) => (error: unknown) => {
      assert.ok(error instanceof MiniAVError, String(error));
      assert.equal(error.code, "INVALID_ARG"); // before anybody looked for the device
      assert.equal(error.operation, operation);
      assert.match(error.message, message);
      assert.match(error.hint, /focalX, focalY/);
      return true;
    };
    await assert.rejects(Camera.open(options), isRight("Camera.open"));
    await assert.rejects(
      camera.setProperty("intrinsics", intrinsics as typeof whole),
      isRight('Camera.setProperty("intrinsics")'),
    );
  }
  assert.deepEqual((await camera.getProperty("intrinsics")).focalX, 600);
});

test("a prefix alone is the default device of that backend", async () => {
  await using camera = await Camera.open({ deviceId: "test:" });
  assert.equal(await camera.getProperty("deviceId"), "test:bars");
});

test("a screen says what the names of other sources and of properties are called there", async () => {
  const names = { deviceId: "displayId", cursorMode: "cursor", persistMode: "persist" };
  for (const open of [(options: object) => Screen.open(options), Screen.grab]) {
    for (const [name, right] of Object.entries(names)) {
      await assert.rejects(open({ [name]: "test:display" }), (error) => {
        assert.ok(error instanceof MiniAVError, String(error));
        assert.equal(error.code, "INVALID_ARG");
        assert.match(error.message, new RegExp(`there is no option "${name}"`));
        assert.match(error.hint, new RegExp(`^It is "${right}" here\\. There are `));
        return true;
      });
    }
  }
});

test("a screen is one thing: targets that contradict are refused, and the error says what to do", async () => {
  const window = { windowId: "test:window" };
  const region = { x: 0, y: 0, width: 100, height: 100 };
  const cases: [object, RegExp, RegExp][] = [
    [
      { ...window, displayId: "test:display" },
      /windowId does not go with displayId/,
      /one of them/,
    ],
    [{ ...window, region }, /windowId does not go with region/, /leave windowId out/],
    [{ ...window, region, displayId: "test:display" }, /windowId does not go with/, /./],
    [{ displayId: 4 }, /displayId is a string, not 4/, /^$/],
    [{ windowId: 4 }, /windowId is a string, not 4/, /^$/],
    [{ displayId: "test:display", region: 4 }, /region is .*, not 4/, /^$/],
    [{ region: { x: 0, y: 0, width: 100 } }, /region\.height is .*, not undefined/, /^$/],
  ];
  for (const [options, message, hint] of cases) {
    await assert.rejects(Screen.open(options), (error) => {
      assert.ok(error instanceof MiniAVError, String(error));
      assert.equal(error.code, "INVALID_ARG");
      assert.match(error.message, message);
      assert.match(error.hint, hint);
      return true;
    });
  }
});

test("a target without a value is no display in its place, and the error says so", async () => {
  const region = { x: 0, y: 0, width: 64, height: 48 };
  const display = { displayId: "test:display" };
  const cases: [object, string, string][] = [];
  for (const [value, text] of [[undefined, "undefined"], [null, "null"], ["", '""']] as const) {
    cases.push([{ windowId: value }, `windowId is ${text}`, "No window matched\\?"]);
    cases.push([{ ...display, windowId: value }, `windowId is ${text}`, "enumerateWindows"]);
    cases.push([{ displayId: value }, `displayId is ${text}`, "No display matched\\?"]);
    cases.push([{ region, displayId: value }, `displayId is ${text}`, "enumerateDisplays"]);
    cases.push([{ ...display, region: value }, `region is .*${text}`, ""]);
  }
  for (const open of [(options: object) => Screen.open(options), Screen.grab]) {
    for (const [options, message, hint] of cases) {
      await assert.rejects(open(options), (error) => {
        assert.ok(error instanceof MiniAVError, `${error}: ${JSON.stringify(options)}`);
        assert.equal(error.code, "INVALID_ARG");
        assert.match(error.message, new RegExp(message));
        assert.match(error.hint, new RegExp(hint));
        return true;
      });
    }
  }
  for (const deviceId of ["", null]) {
    const wrong = { deviceId } as object;
    await assert.rejects(Camera.open(wrong), { code: "INVALID_ARG" });
    await assert.rejects(Microphone.open(wrong), { code: "INVALID_ARG" });
  }
});

test("beside a window nothing wider is left, and what is not there is no target", async () => {
  const window = { windowId: "test:window", displayId: undefined, region: undefined };
  (await Screen.grab(window)).close();
  (await Screen.grab({ width: undefined, cursor: undefined })).close();
  await using camera = await Camera.open({ deviceId: undefined });
  assert.equal(camera.running, true);
});

test("a type of target that does not exist lists nothing", async () => {
  const list = Loopback.enumerateTargets;
  await assert.rejects(list({ kind: "proces" as "process" }), { code: "INVALID_ARG" });
  await assert.rejects(list({ type: "process" } as object), { code: "INVALID_ARG" });
  const kinds = ["system", "process", "window"] as const;
  const lists = await Promise.all(kinds.map((kind) => list({ kind })));
  const ids = lists.map((devices) =>
    devices.filter(({ isTest }) => isTest).map(({ id }) => id).join()
  );
  assert.deepEqual(ids, ["test:system", "test:process", "test:window"]);
});

test("a timeout that no timer can count is no limit", async () => {
  for (const timeout of [Infinity, 2 ** 40]) {
    await using camera = await Camera.open({ deviceId: "test:bars", timeout });
    assert.equal(camera.running, true);
    (await Camera.grab({ deviceId: "test:bars2", timeout })).close();
  }
});

test("a recording of no length at all is refused", async () => {
  await using microphone = await Microphone.open({ deviceId: "test:tone" });
  await assert.rejects(recordWav(microphone, "/dev/null", { seconds: NaN }), {
    code: "INVALID_ARG",
  });
});

test("what is refused does not keep the process alive", async () => {
  const result = await runScript(REFUSED, { timeoutMs: 10_000 });
  assert.equal(result.code, 0, describeResult(result));
  assert.equal(result.stdout.trim(), "MiniAVError");
});
