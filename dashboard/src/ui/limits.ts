/** From where on a share is worth a colour. The collector decides what needs attention; these only tint bars. */
import type { BarLimits } from "./figures";

export const CPU_LIMITS: BarLimits = { warning: 0.85, critical: 0.97 };
export const MEMORY_LIMITS: BarLimits = { warning: 0.9, critical: 0.97 };
export const FILESYSTEM_LIMITS: BarLimits = { warning: 0.85, critical: 0.95 };
export const WEAR_LIMITS: BarLimits = { warning: 0.8, critical: 0.95 };
export const BUSY_LIMITS: BarLimits = { warning: 0.8, critical: 0.95 };
