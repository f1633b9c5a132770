/** Short names for the API's schemas. */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Problem = Schemas["Problem"];
export type HostSummary = Schemas["HostSummary"];
export type HostPage = Schemas["HostPage"];
export type HostDetail = Schemas["HostDetail"];
export type SourceState = Schemas["SourceView"];
export type Filesystem = Schemas["FilesystemView"];
export type Disk = Schemas["DiskView"];
export type Interface = Schemas["InterfaceView"];
export type Attention = Schemas["Attention"];
export type AttentionItem = Schemas["AttentionItem"];
export type HostEvent = Schemas["EventView"];
export type EventPage = Schemas["EventPage"];
export type Samples = Schemas["Samples"];
export type SampleSeries = Schemas["SampleSeries"];
export type System = Schemas["System"];
export type LiveSeries = Schemas["LiveSeries"];
export type LiveSamples = Schemas["LiveSamples"];
