//! Variables of NUT of three-phase inputs and outputs.
//! Names and units of variables are those of NUT (docs/nut-names.txt); nut_exporter's metrics are called after them.

use hi_common::metric::{MetricDef, Unit};

use super::table::{Row, rows};

rows! { PHASES:
    "input_L1_voltage" Volts "Voltage of input L1.";
    "input_L1_N_voltage" Volts "Voltage of input L1 to neutral.";
    "input_L1_current" Amperes "Current of input L1.";
    "input_L1_realpower" Watts "Real power of input L1.";
    "input_L1_power" None "Apparent power of input L1, volt-amperes.";
    "input_L1_power_percent" None "Apparent power of input L1, percent of the most.";
    "input_L1_load" None "Load of input L1, percent.";
    "input_L1_powerfactor" None "Power factor of input L1, 0 to 1.";
    "input_L2_voltage" Volts "Voltage of input L2.";
    "input_L2_N_voltage" Volts "Voltage of input L2 to neutral.";
    "input_L2_current" Amperes "Current of input L2.";
    "input_L2_realpower" Watts "Real power of input L2.";
    "input_L2_power" None "Apparent power of input L2, volt-amperes.";
    "input_L2_power_percent" None "Apparent power of input L2, percent of the most.";
    "input_L2_load" None "Load of input L2, percent.";
    "input_L2_powerfactor" None "Power factor of input L2, 0 to 1.";
    "input_L3_voltage" Volts "Voltage of input L3.";
    "input_L3_N_voltage" Volts "Voltage of input L3 to neutral.";
    "input_L3_current" Amperes "Current of input L3.";
    "input_L3_realpower" Watts "Real power of input L3.";
    "input_L3_power" None "Apparent power of input L3, volt-amperes.";
    "input_L3_power_percent" None "Apparent power of input L3, percent of the most.";
    "input_L3_load" None "Load of input L3, percent.";
    "input_L3_powerfactor" None "Power factor of input L3, 0 to 1.";
    "input_L1_L2_voltage" Volts "Voltage of input L1-L2.";
    "input_L2_L3_voltage" Volts "Voltage of input L2-L3.";
    "input_L3_L1_voltage" Volts "Voltage of input L3-L1.";
    "input_N_current" Amperes "Current of input neutral.";
    "output_L1_voltage" Volts "Voltage of output L1.";
    "output_L1_N_voltage" Volts "Voltage of output L1 to neutral.";
    "output_L1_current" Amperes "Current of output L1.";
    "output_L1_realpower" Watts "Real power of output L1.";
    "output_L1_power" None "Apparent power of output L1, volt-amperes.";
    "output_L1_power_percent" None "Apparent power of output L1, percent of the most.";
    "output_L1_load" None "Load of output L1, percent.";
    "output_L1_powerfactor" None "Power factor of output L1, 0 to 1.";
    "output_L2_voltage" Volts "Voltage of output L2.";
    "output_L2_N_voltage" Volts "Voltage of output L2 to neutral.";
    "output_L2_current" Amperes "Current of output L2.";
    "output_L2_realpower" Watts "Real power of output L2.";
    "output_L2_power" None "Apparent power of output L2, volt-amperes.";
    "output_L2_power_percent" None "Apparent power of output L2, percent of the most.";
    "output_L2_load" None "Load of output L2, percent.";
    "output_L2_powerfactor" None "Power factor of output L2, 0 to 1.";
    "output_L3_voltage" Volts "Voltage of output L3.";
    "output_L3_N_voltage" Volts "Voltage of output L3 to neutral.";
    "output_L3_current" Amperes "Current of output L3.";
    "output_L3_realpower" Watts "Real power of output L3.";
    "output_L3_power" None "Apparent power of output L3, volt-amperes.";
    "output_L3_power_percent" None "Apparent power of output L3, percent of the most.";
    "output_L3_load" None "Load of output L3, percent.";
    "output_L3_powerfactor" None "Power factor of output L3, 0 to 1.";
    "output_L1_L2_voltage" Volts "Voltage of output L1-L2.";
    "output_L2_L3_voltage" Volts "Voltage of output L2-L3.";
    "output_L3_L1_voltage" Volts "Voltage of output L3-L1.";
    "output_N_current" Amperes "Current of output neutral.";
}
