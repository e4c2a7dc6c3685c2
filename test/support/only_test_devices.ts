// Keeps a test away from the devices of the machine that it runs on.

import { createRequire } from "node:module";
import process from "node:process";

const VARIABLES = [
  "MINIAV_CAMERA_BACKEND",
  "MINIAV_SCREEN_BACKEND",
  "MINIAV_AUDIO_BACKEND",
  "MINIAV_LOOPBACK_BACKEND",
];

interface BunFfi {
  dlopen(
    path: string,
    symbols: { setenv: { args: string[]; returns: string } },
  ): { symbols: { setenv(name: Uint8Array, value: Uint8Array, overwrite: number): number } };
}

/**
 * Only the test backends serve and list, in this process and in its children: permission, the
 * default device and lists are then theirs, whatever runs on this machine.
 */
export function useOnlyTestDevices(): void {
  for (const name of VARIABLES) process.env[name] = "test";
  if (process.versions.bun === undefined) return;
  // Bun's process.env is its own: C does not see what is set there.
  const ffi = createRequire(import.meta.url)("bun:ffi") as BunFfi;
  const { symbols } = ffi.dlopen("libc.so.6", {
    setenv: { args: ["ptr", "ptr", "i32"], returns: "i32" },
  });
  const text = (value: string) => new TextEncoder().encode(`${value}\0`);
  for (const name of VARIABLES) symbols.setenv(text(name), text("test"), 1);
}
