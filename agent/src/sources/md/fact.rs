//! The fact `array`: what changes only when something happens to an array. What moves by itself is a metric.

use hi_common::fact::FactValue;

use super::Doc;
use super::array::View;
use super::attributes::Member;

/// The fact about an array.
pub(super) fn describe(view: &View) -> Doc {
    const SECTOR_BYTES: u64 = 512;
    let attributes = &view.attributes;
    let line = view.line.as_ref();
    let blocks = line.and_then(|line| line.blocks).map(|blocks| blocks.saturating_mul(1024));
    let sectors = attributes.sectors.filter(|&sectors| sectors > 0);
    let size = sectors.map(|sectors| sectors.saturating_mul(SECTOR_BYTES)).or(blocks);
    let chunk = line.and_then(|line| line.chunk_kib).map(|kib| kib.saturating_mul(1024));
    let read_only = line.is_some_and(|line| line.read_only.is_some())
        || ["readonly", "read-auto"].contains(&view.array_state());
    let mismatches = attributes.mismatch_sectors.filter(|_| view.sync_action() == "idle");
    let words = view.words();
    let mut doc = Doc::new();
    let texts = [
        ("state", words.as_str()),
        ("level", view.level()),
        ("metadata", view.metadata()),
        ("uuid", attributes.uuid.as_deref().unwrap_or("")),
        ("layout", attributes.layout.as_deref().unwrap_or("")),
        ("sync_action", view.sync_action()),
        ("last_sync_action", attributes.last_sync_action.as_deref().unwrap_or("")),
        ("consistency_policy", attributes.consistency_policy.as_deref().unwrap_or("")),
        ("journal_mode", attributes.journal_mode.as_deref().unwrap_or("")),
        ("container", view.container().unwrap_or("")),
    ];
    for (key, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        doc.insert(key.to_owned(), FactValue::Text(text.to_owned()));
    }
    let numbers = [
        ("size_bytes", size),
        ("chunk_bytes", attributes.chunk_bytes.or(chunk)),
        ("component_bytes", attributes.component_kib.map(|kib| kib.saturating_mul(1024))),
        ("raid_disks", view.raid_disks().map(u64::from)),
        ("degraded", (!view.is_container()).then(|| u64::from(view.degraded()))),
        // While a check runs it grows by itself.
        ("mismatch_bytes", mismatches.map(|sectors| sectors.saturating_mul(SECTOR_BYTES))),
        (
            "bitmap_chunk_bytes",
            line.and_then(|line| Some(line.bitmap.as_ref()?.chunk_kib.saturating_mul(1024))),
        ),
    ];
    for (key, number) in numbers {
        if let Some(number) = number.and_then(|number| i64::try_from(number).ok()) {
            doc.insert(key.to_owned(), FactValue::Int(number));
        }
    }
    doc.insert("failed".to_owned(), FactValue::Bool(view.has_failed()));
    doc.insert("read_only".to_owned(), FactValue::Bool(read_only));
    doc.insert("is_container".to_owned(), FactValue::Bool(view.is_container()));
    doc.insert("members".to_owned(), FactValue::List(view.members.iter().map(describe_member).collect()));
    doc
}

fn describe_member(member: &Member) -> FactValue {
    let text = |text: &str| FactValue::Text(text.to_owned());
    let mut doc = Doc::from([
        ("device".to_owned(), text(&member.name)),
        ("role".to_owned(), text(member.role())),
        ("state".to_owned(), text(&member.state.join(","))),
    ]);
    let mut number = |key: &str, number: Option<i64>| {
        if let Some(number) = number {
            doc.insert(key.to_owned(), FactValue::Int(number));
        }
    };
    number("slot", member.slot.map(i64::from));
    number("read_errors", member.errors.and_then(|errors| i64::try_from(errors).ok()));
    FactValue::Map(doc)
}
