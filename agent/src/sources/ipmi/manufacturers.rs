//! Makers of BMCs by their number in IANA's registry of private enterprise numbers.

const NAMES: &[(u32, &str)] = &[
    (2, "IBM"),
    (11, "Hewlett-Packard"),
    (42, "Sun Microsystems"),
    (94, "Nokia"),
    (107, "Bull"),
    (116, "Hitachi"),
    (119, "NEC"),
    (186, "Toshiba"),
    (193, "Ericsson"),
    (343, "Intel Corporation"),
    (373, "Tatung"),
    (399, "Hitachi"),
    (674, "Dell Inc."),
    (2011, "Huawei"),
    (4337, "RadiSys Corporation"),
    (4413, "Broadcom Corporation"),
    (4753, "MontaVista Software, Inc."),
    (4769, "IBM Corporation"),
    (5593, "Magnum Technologies"),
    (6653, "Tyan Computer Corporation"),
    (7244, "Quanta"),
    (9237, "Viking"),
    (10297, "Advantech"),
    (10368, "Fujitsu Siemens"),
    (10418, "Avocent"),
    (10437, "Peppercon AG"),
    (10876, "Supermicro"),
    (11102, "OSA"),
    (11129, "Google, Inc."),
    (12634, "PICMG"),
    (13742, "Raritan"),
    (15000, "Kontron"),
    (16394, "Pigeon Point Systems"),
    (19046, "Lenovo"),
    (20301, "IBM eServer X"),
    (20569, "Inventec"),
    (20974, "American Megatrends Inc."),
    (24339, "ADLINK Technology Inc."),
    (25506, "H3C"),
    (28458, "Nokia Solutions and Networks"),
    (33196, "VITA"),
    (47196, "Hewlett Packard Enterprise"),
    (47488, "Supermicro"),
    (49769, "YADRO"),
];

/// Name of a maker.
pub(super) fn manufacturer(number: u32) -> Option<&'static str> {
    NAMES.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makers_are_listed_once_and_in_order() {
        assert!(NAMES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(
            (manufacturer(674), manufacturer(4753), manufacturer(3)),
            (Some("Dell Inc."), Some("MontaVista Software, Inc."), None)
        );
    }
}
