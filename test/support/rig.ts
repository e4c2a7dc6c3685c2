// The rig of real sound servers, for tests.

export {
  type AudioRig,
  type PipeWireRig,
  type Playback,
  type PulseRig,
  RIG_SAMPLE_RATE,
  type Sound,
  startPipeWireRig,
  startPulseRig,
  startRig,
  type VirtualMicrophone,
  type VirtualMicrophoneOptions,
} from "../../scripts/rig/rig.ts";
