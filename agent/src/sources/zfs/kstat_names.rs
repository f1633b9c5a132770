//! Names of OpenZFS' kernel statistics (kstats) from version 0.6.5 to 2.4: `arc_stats_t`, `dbuf_stats_t` and their like in
//! module/zfs, of which each version has some. node_exporter yields whatever it finds; a metric of ours is declared first.

use hi_common::metric::{Kind, MetricDef, Unit};

/// A file below `/proc/spl/kstat/zfs`, and what is known of it.
pub(super) struct Table {
    /// Its name.
    pub(super) file: &'static str,
    /// Names in it, dashes as underscores, sorted; and their metrics.
    pub(super) rows: &'static [(&'static str, &'static MetricDef)],
}

/// All files.
pub(super) const TABLES: [&Table; 11] =
    [&ABD, &ARC, &DBUF, &DMU_TX, &DNODE, &FM, &VDEV_CACHE, &VDEV_MIRROR, &XUIO, &ZFETCH, &ZIL];

/// Number of metrics in [`TABLES`].
pub(super) const COUNT: usize = {
    let (mut count, mut index) = (0, 0);
    while index < TABLES.len() {
        count += TABLES[index].rows.len();
        index += 1;
    }
    count
};

/// Names that end so are sizes.
const fn unit(name: &str) -> Unit {
    match ends_with(name, "_bytes") || ends_with(name, "_size") {
        true => Unit::Bytes,
        false => Unit::None,
    }
}

const fn ends_with(name: &str, end: &str) -> bool {
    let (name, end) = (name.as_bytes(), end.as_bytes());
    if name.len() < end.len() {
        return false;
    }
    let mut index = 0;
    while index < end.len() {
        if name[name.len() - end.len() + index] != end[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// Declares what a file holds. node_exporter leaves them untyped.
macro_rules! kstats {
    ($table:ident $subsystem:literal $file:literal: $($name:literal)+) => {
        const $table: Table = Table {
            file: $file,
            rows: &[$(($name, {
                static METRIC: MetricDef = MetricDef {
                    name: concat!("node_zfs_", $subsystem, "_", $name),
                    kind: Kind::Untyped,
                    unit: unit($name),
                    labels: &[],
                    help: concat!("Statistic ", $name, " of ", $file, "."),
                };
                &METRIC
            })),+],
        };
    };
}

kstats! { ABD "abd" "abdstats":
    "linear_cnt" "linear_data_size" "scatter_chunk_waste" "scatter_cnt" "scatter_data_size" "scatter_order_0"
    "scatter_order_1" "scatter_order_10" "scatter_order_2" "scatter_order_3" "scatter_order_4" "scatter_order_5"
    "scatter_order_6" "scatter_order_7" "scatter_order_8" "scatter_order_9" "scatter_page_alloc_retry"
    "scatter_page_multi_chunk" "scatter_page_multi_zone" "scatter_sg_table_retry" "struct_size"
}

kstats! { ARC "arc" "arcstats":
    "abd_chunk_waste_size" "access_skip" "anon_data" "anon_evictable_data" "anon_evictable_metadata"
    "anon_metadata" "anon_size" "arc_dnode_limit" "arc_loaned_bytes" "arc_meta_limit" "arc_meta_max"
    "arc_meta_min" "arc_meta_used" "arc_need_free" "arc_no_grow" "arc_prune" "arc_raw_size" "arc_sys_free"
    "arc_tempreserve" "async_upgrade_sync" "bonus_size" "c" "c_max" "c_min" "cached_only_in_progress"
    "compressed_size" "data_size" "dbuf_size" "deleted" "demand_data_hits" "demand_data_iohits"
    "demand_data_misses" "demand_hit_predictive_prefetch" "demand_hit_prescient_prefetch"
    "demand_iohit_predictive_prefetch" "demand_iohit_prescient_prefetch" "demand_metadata_hits"
    "demand_metadata_iohits" "demand_metadata_misses" "dnode_size" "duplicate_buffers" "duplicate_buffers_size"
    "duplicate_reads" "evict_l2_cached" "evict_l2_eligible" "evict_l2_eligible_mfu" "evict_l2_eligible_mru"
    "evict_l2_ineligible" "evict_l2_skip" "evict_not_enough" "evict_skip" "hash_chain_max" "hash_chains"
    "hash_collisions" "hash_elements" "hash_elements_max" "hdr_size" "hits" "iohits" "l2_abort_lowmem"
    "l2_asize" "l2_bufc_data_asize" "l2_bufc_metadata_asize" "l2_cdata_free_on_write" "l2_cksum_bad"
    "l2_compress_failures" "l2_compress_successes" "l2_compress_zeros" "l2_data_to_meta_ratio"
    "l2_evict_l1cached" "l2_evict_lock_retry" "l2_evict_reading" "l2_feeds" "l2_free_on_write" "l2_hdr_size"
    "l2_hits" "l2_io_error" "l2_log_blk_asize" "l2_log_blk_avg_asize" "l2_log_blk_count" "l2_log_blk_writes"
    "l2_mfu_asize" "l2_misses" "l2_mru_asize" "l2_ndev" "l2_prefetch_asize" "l2_read_bytes" "l2_rebuild_asize"
    "l2_rebuild_bufs" "l2_rebuild_bufs_precached" "l2_rebuild_cksum_lb_errors" "l2_rebuild_dh_errors"
    "l2_rebuild_io_errors" "l2_rebuild_log_blks" "l2_rebuild_lowmem" "l2_rebuild_size" "l2_rebuild_success"
    "l2_rebuild_unsupported" "l2_rw_clash" "l2_size" "l2_write_bytes" "l2_writes_done" "l2_writes_error"
    "l2_writes_lock_retry" "l2_writes_sent" "memory_all_bytes" "memory_available_bytes" "memory_direct_count"
    "memory_free_bytes" "memory_indirect_count" "memory_throttle_count" "meta" "metadata_size" "mfu_data"
    "mfu_evictable_data" "mfu_evictable_metadata" "mfu_ghost_data" "mfu_ghost_evictable_data"
    "mfu_ghost_evictable_metadata" "mfu_ghost_hits" "mfu_ghost_metadata" "mfu_ghost_size" "mfu_hits"
    "mfu_metadata" "mfu_size" "misses" "mru_data" "mru_evictable_data" "mru_evictable_metadata" "mru_ghost_data"
    "mru_ghost_evictable_data" "mru_ghost_evictable_metadata" "mru_ghost_hits" "mru_ghost_metadata"
    "mru_ghost_size" "mru_hits" "mru_metadata" "mru_size" "mutex_miss" "other_size" "overhead_size" "p" "pd"
    "pm" "predictive_prefetch" "prefetch_data_hits" "prefetch_data_iohits" "prefetch_data_misses"
    "prefetch_metadata_hits" "prefetch_metadata_iohits" "prefetch_metadata_misses" "prescient_prefetch" "size"
    "sync_wait_for_async" "uncached_data" "uncached_evictable_data" "uncached_evictable_metadata"
    "uncached_hits" "uncached_metadata" "uncached_size" "uncompressed_size"
}

kstats! { DBUF "dbuf" "dbufstats":
    "cache_count" "cache_hiwater_bytes" "cache_level_0" "cache_level_0_bytes" "cache_level_1" "cache_level_10"
    "cache_level_10_bytes" "cache_level_11" "cache_level_11_bytes" "cache_level_1_bytes" "cache_level_2"
    "cache_level_2_bytes" "cache_level_3" "cache_level_3_bytes" "cache_level_4" "cache_level_4_bytes"
    "cache_level_5" "cache_level_5_bytes" "cache_level_6" "cache_level_6_bytes" "cache_level_7"
    "cache_level_7_bytes" "cache_level_8" "cache_level_8_bytes" "cache_level_9" "cache_level_9_bytes"
    "cache_lowater_bytes" "cache_size_bytes" "cache_size_bytes_max" "cache_target_bytes" "cache_total_evicts"
    "dbuf_cache_count" "dbuf_cache_hiwater_bytes" "dbuf_cache_level_0" "dbuf_cache_level_0_bytes"
    "dbuf_cache_level_1" "dbuf_cache_level_10" "dbuf_cache_level_10_bytes" "dbuf_cache_level_11"
    "dbuf_cache_level_11_bytes" "dbuf_cache_level_1_bytes" "dbuf_cache_level_2" "dbuf_cache_level_2_bytes"
    "dbuf_cache_level_3" "dbuf_cache_level_3_bytes" "dbuf_cache_level_4" "dbuf_cache_level_4_bytes"
    "dbuf_cache_level_5" "dbuf_cache_level_5_bytes" "dbuf_cache_level_6" "dbuf_cache_level_6_bytes"
    "dbuf_cache_level_7" "dbuf_cache_level_7_bytes" "dbuf_cache_level_8" "dbuf_cache_level_8_bytes"
    "dbuf_cache_level_9" "dbuf_cache_level_9_bytes" "dbuf_cache_lowater_bytes" "dbuf_cache_max_bytes"
    "dbuf_cache_size" "dbuf_cache_size_max" "dbuf_cache_total_evicts" "hash_chain_max" "hash_chains"
    "hash_collisions" "hash_dbuf_level_0" "hash_dbuf_level_0_bytes" "hash_dbuf_level_1" "hash_dbuf_level_10"
    "hash_dbuf_level_10_bytes" "hash_dbuf_level_11" "hash_dbuf_level_11_bytes" "hash_dbuf_level_1_bytes"
    "hash_dbuf_level_2" "hash_dbuf_level_2_bytes" "hash_dbuf_level_3" "hash_dbuf_level_3_bytes"
    "hash_dbuf_level_4" "hash_dbuf_level_4_bytes" "hash_dbuf_level_5" "hash_dbuf_level_5_bytes"
    "hash_dbuf_level_6" "hash_dbuf_level_6_bytes" "hash_dbuf_level_7" "hash_dbuf_level_7_bytes"
    "hash_dbuf_level_8" "hash_dbuf_level_8_bytes" "hash_dbuf_level_9" "hash_dbuf_level_9_bytes" "hash_elements"
    "hash_elements_max" "hash_hits" "hash_insert_race" "hash_misses" "hash_mutex_count" "hash_table_count"
    "metadata_cache_count" "metadata_cache_overflow" "metadata_cache_size_bytes" "metadata_cache_size_bytes_max"
}

kstats! { DMU_TX "dmu_tx" "dmu_tx":
    "dmu_tx_assigned" "dmu_tx_delay" "dmu_tx_dirty_delay" "dmu_tx_dirty_frees_delay" "dmu_tx_dirty_over_max"
    "dmu_tx_dirty_throttle" "dmu_tx_error" "dmu_tx_group" "dmu_tx_memory_reclaim" "dmu_tx_memory_reserve"
    "dmu_tx_quota" "dmu_tx_suspended" "dmu_tx_wrlog_delay"
}

kstats! { DNODE "dnode" "dnodestats":
    "dnode_alloc_next_block" "dnode_alloc_next_chunk" "dnode_alloc_race" "dnode_allocate" "dnode_buf_evict"
    "dnode_free_interior_lock_retry" "dnode_hold_alloc_hits" "dnode_hold_alloc_interior"
    "dnode_hold_alloc_lock_misses" "dnode_hold_alloc_lock_retry" "dnode_hold_alloc_misses"
    "dnode_hold_alloc_type_none" "dnode_hold_dbuf_hold" "dnode_hold_dbuf_read" "dnode_hold_free_hits"
    "dnode_hold_free_lock_misses" "dnode_hold_free_lock_retry" "dnode_hold_free_misses"
    "dnode_hold_free_overflow" "dnode_hold_free_refcount" "dnode_hold_free_txg" "dnode_move_active"
    "dnode_move_handle" "dnode_move_invalid" "dnode_move_recheck1" "dnode_move_recheck2" "dnode_move_rwlock"
    "dnode_move_special" "dnode_reallocate"
}

kstats! { FM "fm" "fm":
    "erpt_dropped" "erpt_duplicates" "erpt_set_failed" "fmri_set_failed" "payload_set_failed"
}

kstats! { VDEV_CACHE "vdev_cache" "vdev_cache_stats":
    "delegations" "hits" "misses"
}

kstats! { VDEV_MIRROR "vdev_mirror" "vdev_mirror_stats":
    "non_rotating_linear" "non_rotating_seek" "preferred_found" "preferred_not_found" "rotating_linear"
    "rotating_offset" "rotating_seek"
}

kstats! { XUIO "xuio" "xuio_stats":
    "onloan_read_buf" "onloan_write_buf" "prefetch_bytes_active" "read_buf_copied" "read_buf_nocopy"
    "write_buf_copied" "write_buf_nocopy"
}

kstats! { ZFETCH "zfetch" "zfetchstats":
    "bogus_streams" "colinear_hits" "colinear_misses" "future" "hits" "io_active" "io_issued" "max_streams"
    "misses" "past" "reclaim_failures" "reclaim_successes" "streams_noresets" "streams_resets" "stride"
    "stride_hits" "stride_misses"
}

kstats! { ZIL "zil" "zil":
    "zil_commit_count" "zil_commit_crash_count" "zil_commit_error_count" "zil_commit_stall_count"
    "zil_commit_suspend_count" "zil_commit_writer_count" "zil_itx_copied_bytes" "zil_itx_copied_count"
    "zil_itx_count" "zil_itx_indirect_bytes" "zil_itx_indirect_count" "zil_itx_metaslab_normal_alloc"
    "zil_itx_metaslab_normal_bytes" "zil_itx_metaslab_normal_count" "zil_itx_metaslab_normal_write"
    "zil_itx_metaslab_slog_alloc" "zil_itx_metaslab_slog_bytes" "zil_itx_metaslab_slog_count"
    "zil_itx_metaslab_slog_write" "zil_itx_needcopy_bytes" "zil_itx_needcopy_count"
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_search() {
        for table in TABLES {
            assert!(table.rows.is_sorted_by(|a, b| a.0 < b.0), "{}", table.file);
        }
        assert!(
            ends_with("a_size", "_size") && !ends_with("size", "_size") && !ends_with("a_size_max", "_size")
        );
    }
}
