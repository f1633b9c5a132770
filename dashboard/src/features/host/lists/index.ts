/** The lists of a host's page: one file and one row here for each. */
import { DISKS } from "./disks";
import { FILESYSTEMS } from "./filesystems";
import { INTERFACES } from "./interfaces";
import type { List } from "./list";
import { SOURCES } from "./sources";

export const LISTS: readonly List[] = [INTERFACES, DISKS, FILESYSTEMS, SOURCES];
