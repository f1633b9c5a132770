//! From the byte that a sensor reads to the value it measures (IPMI 2.0, 36.3 and 43.1).

/// How the byte is a number (43.1, sensor units 1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Format {
    Unsigned,
    OnesComplement,
    TwosComplement,
}

impl Format {
    /// By the highest two bits of the first byte of a sensor's units; `None` where it reads no number.
    pub(super) fn of(units: u8) -> Option<Self> {
        match units >> 6 {
            0 => Some(Self::Unsigned),
            1 => Some(Self::OnesComplement),
            2 => Some(Self::TwosComplement),
            _ => None,
        }
    }

    fn number(self, raw: u8) -> f64 {
        match self {
            Self::Unsigned => f64::from(raw),
            // All ones is zero once more.
            Self::OnesComplement if raw & 0x80 != 0 => f64::from((raw as i8).wrapping_add(1)),
            Self::OnesComplement | Self::TwosComplement => f64::from(raw as i8),
        }
    }
}

/// The constants of the line: M, B and the two exponents of ten.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Factors {
    m: i16,
    b: i16,
    b_exponent: i8,
    result_exponent: i8,
}

impl Factors {
    /// The six bytes from M on, as a full record and Get Sensor Reading Factors (35.5) have them: M, its high bits and the
    /// tolerance, B, its high bits and accuracy, accuracy, exponents.
    pub(super) fn parse(bytes: [u8; 6]) -> Self {
        let [m, m_high, b, b_high, _, exponents] = bytes;
        Self {
            m: ten_bits(m, m_high),
            b: ten_bits(b, b_high),
            b_exponent: four_bits(exponents),
            result_exponent: four_bits(exponents >> 4),
        }
    }

    fn line(self, x: f64) -> f64 {
        scaled(f64::from(self.m) * x + scaled(f64::from(self.b), self.b_exponent), self.result_exponent)
    }
}

/// Times a power of ten. A division by a power is exact more often than the product with its inverse.
fn scaled(value: f64, exponent: i8) -> f64 {
    let power = 10_f64.powi(i32::from(exponent.unsigned_abs()));
    if exponent < 0 { value / power } else { value * power }
}

/// A number of ten bits in two's complement, whose highest two are the highest of the second byte.
fn ten_bits(low: u8, high: u8) -> i16 {
    let bits = i16::from(high & 0xc0) << 2 | i16::from(low);
    bits << 6 >> 6
}

fn four_bits(bits: u8) -> i8 {
    (bits << 4) as i8 >> 4
}

/// From bytes to values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Formula {
    pub(super) format: Format,
    pub(super) factors: Factors,
    /// Function applied to the line (table 43-1, linearization): 0 none, 1 to 11 those of [`Formula::value`], from 70h on one
    /// that the controller tells by other factors for each reading.
    pub(super) linearization: u8,
}

impl Formula {
    /// Whether the factors hold for one reading only.
    pub(super) fn asks_for_factors(self) -> bool {
        self.linearization >= 0x70
    }

    /// The value behind a byte; `None` where the function has none (the logarithm of zero).
    pub(super) fn value(self, raw: u8) -> Option<f64> {
        let y = self.factors.line(self.format.number(raw));
        let value = match self.linearization {
            1 => y.ln(),
            2 => y.log10(),
            3 => y.log2(),
            4 => y.exp(),
            5 => 10_f64.powf(y),
            6 => y.exp2(),
            7 => y.recip(),
            8 => y.powi(2),
            9 => y.powi(3),
            10 => y.sqrt(),
            11 => y.cbrt(),
            _ => y,
        };
        value.is_finite().then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn formula(units: u8, linearization: u8, factors: [u8; 6]) -> Formula {
        Formula { format: Format::of(units).unwrap(), factors: Factors::parse(factors), linearization }
    }

    #[test]
    fn the_line_is_that_of_the_lab_s_sensors() {
        // 12V: M 6, result exponent -2. FAN1: M 100. CPU Temp: M 1.
        assert_eq!(formula(0, 0, [6, 0, 0, 0, 0, 0xe0]).value(202), Some(12.12));
        assert_eq!(formula(0, 0, [100, 0, 0, 0, 0, 0]).value(12), Some(1200.0));
        assert_eq!(formula(0, 0, [1, 0, 0, 0, 0, 0]).value(41), Some(41.0));
    }

    #[test]
    fn signs_lie_where_the_format_has_them() {
        let one = [1, 0, 0, 0, 0, 0];
        assert_eq!(formula(0x80, 0, one).value(0xff), Some(-1.0));
        assert_eq!(formula(0x40, 0, one).value(0xfe), Some(-1.0));
        assert_eq!(formula(0x40, 0, one).value(0xff), Some(0.0));
        assert_eq!(Format::of(0xc0), None);
        // M = -1 (all ten bits), B = -512 * 10^2, result exponent 1.
        let factors = [0xff, 0xc0, 0x00, 0x80, 0, 0x12];
        assert_eq!(formula(0, 0, factors).value(3), Some((-3.0 - 51_200.0) * 10.0));
    }

    #[test]
    fn each_function_is_the_one_of_the_table() {
        let of = |linearization, raw| formula(0, linearization, [1, 0, 0, 0, 0, 0]).value(raw);
        assert_eq!((of(1, 1), of(2, 100), of(3, 8)), (Some(0.0), Some(2.0), Some(3.0)));
        assert_eq!((of(4, 0), of(5, 2), of(6, 3)), (Some(1.0), Some(100.0), Some(8.0)));
        assert_eq!((of(7, 4), of(8, 5), of(9, 2)), (Some(0.25), Some(25.0), Some(8.0)));
        assert_eq!((of(10, 9), of(11, 27)), (Some(3.0), Some(3.0)));
        assert_eq!((of(1, 0), of(7, 0)), (None, None));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(units in 0_u8..0xc0, linearization: u8, factors: [u8; 6], raw: u8) {
            let value = formula(units, linearization, factors).value(raw);
            prop_assert!(value.is_none_or(f64::is_finite));
        }
    }
}
