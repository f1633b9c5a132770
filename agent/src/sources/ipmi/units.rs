//! What sensors measure in (IPMI 2.0, table 43-15).

/// Codes that metrics are made of.
pub(super) mod code {
    pub(in super::super) const CELSIUS: u8 = 1;
    pub(in super::super) const VOLTS: u8 = 4;
    pub(in super::super) const AMPERES: u8 = 5;
    pub(in super::super) const WATTS: u8 = 6;
    pub(in super::super) const RPM: u8 = 18;
}

/// Names by code.
const NAMES: [&str; 93] = [
    "",
    "degrees C",
    "degrees F",
    "degrees K",
    "Volts",
    "Amps",
    "Watts",
    "Joules",
    "Coulombs",
    "VA",
    "Nits",
    "lumen",
    "lux",
    "candela",
    "kPa",
    "PSI",
    "Newton",
    "CFM",
    "RPM",
    "Hz",
    "microseconds",
    "milliseconds",
    "seconds",
    "minutes",
    "hours",
    "days",
    "weeks",
    "mil",
    "inches",
    "feet",
    "cubic inches",
    "cubic feet",
    "mm",
    "cm",
    "m",
    "cubic cm",
    "cubic m",
    "liters",
    "fluid ounces",
    "radians",
    "steradians",
    "revolutions",
    "cycles",
    "gravities",
    "ounces",
    "pounds",
    "foot-pounds",
    "ounce-inches",
    "gauss",
    "gilberts",
    "henry",
    "millihenry",
    "farad",
    "microfarad",
    "ohms",
    "siemens",
    "mole",
    "becquerel",
    "PPM",
    "",
    "decibels",
    "dBA",
    "dBC",
    "gray",
    "sievert",
    "color temperature K",
    "bits",
    "kilobits",
    "megabits",
    "gigabits",
    "bytes",
    "kilobytes",
    "megabytes",
    "gigabytes",
    "words",
    "double words",
    "quad words",
    "lines",
    "hits",
    "misses",
    "retries",
    "resets",
    "overruns",
    "underruns",
    "collisions",
    "packets",
    "messages",
    "characters",
    "errors",
    "correctable errors",
    "uncorrectable errors",
    "fatal errors",
    "grams",
];
/// Rates by code.
const RATES: [&str; 7] =
    ["", "per microsecond", "per millisecond", "per second", "per minute", "per hour", "per day"];

/// Unit of a sensor: the three bytes of its record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Units {
    pub(super) percent: bool,
    pub(super) base: u8,
    rate: u8,
    /// How the second unit belongs to the first: 1 divides, 2 multiplies.
    joint: u8,
    modifier: u8,
}

impl Units {
    pub(super) fn parse([flags, base, modifier]: [u8; 3]) -> Self {
        Self { percent: flags & 1 != 0, base, rate: flags >> 3 & 7, joint: flags >> 1 & 3, modifier }
    }

    /// Whether it is a unit alone: neither a rate nor joined with another.
    pub(super) fn is_plain(self) -> bool {
        !self.percent && self.rate == 0 && !matches!(self.joint, 1 | 2)
    }

    /// Whether any unit is given.
    pub(super) fn is_given(self) -> bool {
        self.percent || self.base != 0 || self.modifier != 0
    }

    /// In words: `degrees C`, `% RPM`, `correctable errors per hour`.
    pub(super) fn words(self) -> String {
        let name = |code: u8| NAMES.get(usize::from(code)).copied().unwrap_or("");
        let base = match self.joint {
            1 => format!("{}/{}", name(self.base), name(self.modifier)),
            2 => format!("{} * {}", name(self.base), name(self.modifier)),
            _ => name(self.base).to_owned(),
        };
        let rate = RATES.get(usize::from(self.rate)).copied().unwrap_or("");
        let parts = [if self.percent { "%" } else { "" }, &base, rate];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_have_their_words() {
        let words = |bytes| Units::parse(bytes).words();
        assert_eq!(
            (words([0, 1, 0]), words([0, 18, 0]), words([1, 18, 0])),
            ("degrees C".into(), "RPM".into(), "% RPM".into())
        );
        assert_eq!(
            (words([0, 92, 0]), words([0, 200, 0]), words([0, 0, 0])),
            ("grams".into(), String::new(), String::new())
        );
        assert_eq!(words([5 << 3, 89, 0]), "correctable errors per hour");
        assert_eq!(
            (words([1 << 1, 6, 24]), words([2 << 1, 6, 24])),
            ("Watts/hours".into(), "Watts * hours".into())
        );
        assert!(Units::parse([0, 4, 0]).is_plain() && !Units::parse([1, 4, 0]).is_plain());
    }
}
