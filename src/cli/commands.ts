/** Every command, in the order of the help. */

import type { Command } from "./command.ts";
import { demo } from "./commands/demo.ts";
import { devices } from "./commands/devices.ts";
import { doctor } from "./commands/doctor.ts";
import { formats } from "./commands/formats.ts";
import { meter } from "./commands/meter.ts";
import { record } from "./commands/record.ts";
import { snapshot } from "./commands/snapshot.ts";

export const COMMANDS: readonly Command[] = [
  devices,
  formats,
  snapshot,
  record,
  meter,
  doctor,
  demo,
];
