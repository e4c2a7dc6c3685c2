// The rig of real sound servers, for tests.

import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import process from "node:process";

export {
  type AudioRig,
  type PipeWireRig,
  type Playback,
  type PulseRig,
  RIG_SAMPLE_RATE,
  type RigEnvironment,
  type Sound,
  startPipeWireRig,
  startPulseRig,
  startRig,
  type VirtualMicrophone,
  type VirtualMicrophoneOptions,
} from "../../scripts/rig/rig.ts";

/** What the rigs run, besides what a Debian system always has. */
const COMMANDS = [
  ...["dbus-daemon", "pipewire", "wireplumber", "pipewire-pulse", "pw-cli", "pw-dump", "pw-link"],
  ...["pw-play", "pw-record", "pactl", "paplay", "parecord", "apt-get", "dpkg-deb"],
];

/**
 * Why tests on real daemons cannot run here, as `skip` of a test takes it; `false` when they can. On
 * a developer's machine without the daemons they are skipped, in CI never.
 */
export function rigSkipReason(): string | false {
  if (process.platform === "linux" && process.env.CI) return false;
  if (process.platform !== "linux") return "the rig of real daemons runs on Linux";
  const missing = COMMANDS.filter((command) => !isInstalled(command));
  if (missing.length === 0) return false;
  const reason = `not installed: ${missing.join(", ")}`;
  // Neither runtime's own report shows the reason.
  console.warn(`tests on real daemons are skipped: ${reason}`);
  return reason;
}

function isInstalled(command: string): boolean {
  return (process.env.PATH ?? "").split(":").some((directory) => {
    try {
      accessSync(join(directory, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
