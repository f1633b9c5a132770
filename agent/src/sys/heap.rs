//! Memory that is free, but that glibc's allocator keeps.

/// Gives back to the kernel what is free in all arenas (malloc_trim(3)): after something large that comes once in a while, which
/// would leave its holes for good. Takes a fraction of a millisecond.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    {
        #[expect(unsafe_code, reason = "no crate calls this")]
        // SAFETY: it takes no pointer, keeps what is allocated as it is, and may be called from any thread.
        let _ = unsafe { libc::malloc_trim(0) };
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_kept_stays() {
        let kept = vec![7_u8; 1 << 16];
        drop(vec![1_u8; 1 << 20]);
        super::give_back();
        assert!(kept.iter().all(|&byte| byte == 7));
    }
}
