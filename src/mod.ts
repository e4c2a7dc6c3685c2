/**
 * Cameras, screens, microphones and loopback audio for Deno and Bun, without a copy.
 *
 * ```ts
 * import { Camera } from "miniav";
 *
 * await using camera = await Camera.open({ width: 1280, height: 720, frameRate: 30 });
 * for await (using frame of camera) {
 *   console.log(frame.timestamp, frame.format, frame.planes[0].data.length);
 * }
 * ```
 *
 * @module
 */

export { Camera } from "./api/camera.ts";
export type { CameraOptions } from "./api/camera.ts";
export { Screen } from "./api/screen.ts";
export type { ScreenAudioOptions, ScreenFormat, ScreenOptions } from "./api/screen.ts";
export { Microphone } from "./api/microphone.ts";
export type { MicrophoneOptions } from "./api/microphone.ts";
export { Loopback } from "./api/loopback.ts";
export type { LoopbackType } from "./api/loopback.ts";
export type { LoopbackOptions, LoopbackTarget } from "./api/loopback_options.ts";
export { Capture } from "./api/capture.ts";
export type { AnyFrame, CaptureEvents, LostInfo } from "./api/capture.ts";
export { Emitter } from "./api/emitter.ts";
export type { Listener } from "./api/emitter.ts";
export { CapturedVideoFrame } from "./api/video_frame.ts";
export type { CopyToOptions, FrameCursor, GpuFrame, VideoPlane } from "./api/video_frame.ts";
export { CapturedAudio } from "./api/audio_data.ts";
export type { AudioSamples } from "./api/audio_data.ts";
export { CapturedFrame } from "./api/frame.ts";
export type { CopyDestination } from "./api/frame.ts";
export type { ColorSpace } from "./api/color.ts";
export type { DeviceChange, DeviceChangeSubscription } from "./api/device_watch.ts";
export { PROPERTY_NAMES } from "./api/properties.ts";
export type { Properties, PropertyInfo, PropertyName } from "./api/properties.ts";
export { bytesPerSample, isCompressed, PIXEL_FORMATS, SAMPLE_FORMATS } from "./api/formats.ts";
export { describeVideoFormat } from "./api/constraints.ts";
export type * from "./api/types.ts";
export { setLogHandler } from "./api/log.ts";
export type { LogHandler, LogLevelName, LogLine } from "./api/log.ts";
export { enableTestDevices, setTestFault, writeTestLog } from "./api/testing.ts";
export type { TestDeviceFault, TestOperation } from "./api/testing.ts";
export { decodeJpeg } from "./api/jpeg.ts";
export { convertToRgba, isRawFormat, toRgbaPicture } from "./api/pixels.ts";
export type { PixelSource, RgbaPicture } from "./api/pixels.ts";
export { encodePng, encodePngPicture } from "./api/png.ts";
export { openFileSink } from "./api/sink.ts";
export type { ByteSink, FileSink, FileSinkOptions } from "./api/sink.ts";
export { WavWriter } from "./api/wav.ts";
export type { WavSummary } from "./api/wav.ts";
export { Y4mWriter } from "./api/y4m.ts";
export type { Y4mFrame, Y4mOptions, Y4mSummary } from "./api/y4m.ts";
export { recordWav, writeSound } from "./api/record.ts";
export type {
  AudioSource,
  LostSound,
  RecordOptions,
  RecordProgress,
  RecordSummary,
} from "./api/record.ts";
export { ProcessRecorder } from "./api/process_recorder.ts";
export type {
  ProcessRecorderEvents,
  ProcessRecording,
  RecordedFile,
  RecordedSource,
  RecorderLevel,
  RecorderSourceState,
} from "./api/process_recorder.ts";
export type {
  ProcessRecorderOptions,
  RecorderFile,
  RecorderSource,
} from "./api/recorder_options.ts";
export { MiniAVError, now, setLibraryPath } from "./ffi/mod.ts";
export type { FrameMemory, MiniAVErrorCode, MiniAVErrorDetails, PlaneLayout } from "./ffi/mod.ts";
