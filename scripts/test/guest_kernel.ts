/**
 * Tests with real drivers, in a guest kernel: V4L2 on vivid, an ALSA card on snd-aloop, and the
 * runtimes. Needs no device, no network and no KVM; takes two minutes at most on two cores.
 */

import { GUEST_END, GUEST_UP, runGuest } from "../guest/guest.ts";
import { type GuestKernel, prepareKernel } from "../guest/kernel.ts";
import { join } from "../path.ts";
import { ROOT } from "../paths.ts";
import { variantFolder, VARIANTS } from "./c_tests.ts";
import { type Counts, TestsFailed } from "./steps.ts";
import { findBun, findDeno } from "./typescript_tests.ts";

/** Two cameras: one whose planes lie in one memory and whose sizes are listed, and one with a memory
 * a plane and a range of sizes. */
const MODULES = [
  "vivid n_devs=2 node_types=0x1,0x1 num_inputs=1,1 input_types=0x00,0x03 multiplanar=1,2",
  "snd-aloop",
  "vgem",
];

/** Each is one test: a command that must end with status 0. */
interface GuestTest {
  readonly name: string;
  readonly command: string;
  readonly pipewire?: boolean;
}

const C_TESTS = [
  "pictures",
  "planes",
  "life",
  "held",
  "faults",
  "dmabuf",
  "properties",
  "unplug",
  "alsa",
];

/** With PipeWire and its session manager between the cameras and us. */
const PIPEWIRE_TESTS = ["pipewire", "vgem"];

/** Of each test, so that one that hangs leaves time for the others. */
const TEST_SECONDS = 100;
/** Of the boot and all tests; a minute and a half on a quiet machine. */
const GUEST_SECONDS = 280;

async function guestTests(): Promise<GuestTest[]> {
  const program = join(variantFolder(VARIANTS.plain), "v4l2_guest");
  const script = join(ROOT, "test", "os", "fixtures", "v4l2_user.ts");
  return [
    ...C_TESTS.map((name) => ({ name, command: `${program} ${name}` })),
    { name: "deno", command: `${await findDeno()} run -A --no-check ${script}` },
    { name: "bun", command: `${await findBun()} ${script}` },
    ...PIPEWIRE_TESTS.map((name) => ({ name, command: `${program} ${name}`, pipewire: true })),
    // The last: it changes the rights of the nodes.
    { name: "denied", command: `${program} denied` },
  ];
}

/** A line for each test: `@@ NAME STATUS SECONDS`. */
function guestScript(tests: readonly GuestTest[]): string {
  const lines = (some: readonly GuestTest[]) =>
    some.map(({ name, command }) => `run "${name}" timeout -s KILL ${TEST_SECONDS} ${command}`)
      .join("\n");
  const last = tests.slice(-1);
  return `
run() {
  name=$1; shift
  echo "## $name"
  began=$SECONDS
  "$@" 2>&1
  echo "@@ $name $? $((SECONDS - began))"
}
${lines(tests.slice(0, -1).filter(({ pipewire }) => !pipewire))}
source scripts/guest/pipewire.sh
${lines(tests.filter(({ pipewire }) => pipewire))}
pipewire_down
${lines(last)}
`;
}

export async function testGuestKernel(log: string): Promise<Counts> {
  const tests = await guestTests();
  const kernel = await prepareKernel(log);
  const first = await runTests(kernel, tests, log);
  if (first.failed.length === 0) return { passed: tests.length, failed: 0 };
  // As for the other tests that need their time: what is wrong fails again. All of them, since the
  // earlier ones set the cameras up for the later.
  const second = await runTests(kernel, tests, log);
  const failed = second.failed.filter((test) => first.failed.includes(test)).length;
  const counts = { passed: tests.length - failed, failed };
  if (failed > 0) throw new TestsFailed(counts, `${first.report}\n\nagain:\n${second.report}`);
  const remark = `${tests.length} passed, ${first.failed.length} only at the second try`;
  return { ...counts, remark };
}

interface GuestRun {
  readonly failed: readonly GuestTest[];
  /** What those printed. */
  readonly report: string;
}

async function runTests(
  kernel: GuestKernel,
  tests: readonly GuestTest[],
  log: string,
): Promise<GuestRun> {
  const output = await runGuest({
    kernel,
    modules: MODULES,
    script: guestScript(tests),
    timeoutMs: GUEST_SECONDS * 1000,
    log,
  });
  const failed = tests.filter((test) => judge(test, output) !== "");
  if (!output.includes(GUEST_UP)) return { failed, report: `the guest did not boot\n${output}` };
  const end = output.includes(GUEST_END) ? "" : `the guest came to no end:\n${tail(output)}`;
  return { failed, report: [...failed.map((test) => judge(test, output)), end].join("\n") };
}

/** "" when the test passed, else what it printed. */
function judge({ name }: GuestTest, output: string): string {
  const begin = output.indexOf(`## ${name}`);
  const result = new RegExp(`^@@ ${name} (\\d+) (\\d+)`, "m").exec(output);
  if (result === null) return `${name}: no result${begin < 0 ? "" : "; it began"}`;
  if (result[1] === "0") return "";
  return `${name}: exit status ${result[1]} after ${result[2]} s\n${
    output.slice(begin, result.index)
  }`;
}

function tail(text: string): string {
  return text.split("\n").slice(-60).join("\n");
}
