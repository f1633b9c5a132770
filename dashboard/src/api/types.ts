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
export type StorageState = Schemas["StorageState"];
export type StorageFinding = Schemas["StorageFinding"];
export type StorageDisk = Schemas["StorageDisk"];
export type StorageDiskPage = Schemas["StorageDiskPage"];
export type StorageDiskDetail = Schemas["StorageDiskDetail"];
export type StorageAttribute = Schemas["StorageAttribute"];
export type StorageReading = Schemas["StorageReading"];
export type StorageController = Schemas["StorageController"];
export type StorageArray = Schemas["StorageArray"];
export type StorageArrayPage = Schemas["StorageArrayPage"];
export type StoragePool = Schemas["StoragePool"];
export type StoragePoolPage = Schemas["StoragePoolPage"];
export type StorageVdev = Schemas["StorageVdev"];
export type StorageScan = Schemas["StorageScan"];
export type Samples = Schemas["Samples"];
export type SampleSeries = Schemas["SampleSeries"];
export type System = Schemas["System"];
export type LiveSeries = Schemas["LiveSeries"];
export type LiveSamples = Schemas["LiveSamples"];
