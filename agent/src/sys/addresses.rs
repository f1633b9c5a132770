//! IP addresses of this host's interfaces, by getifaddrs(3).

use std::ffi::CStr;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// An address of an interface; shown as `address/prefix`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Name of the interface.
    pub interface: String,
    /// The address.
    pub ip: IpAddr,
    /// Length of the network's prefix, in bits.
    pub prefix: u32,
}

impl Address {
    /// Whether it can be reached from elsewhere: neither of this host alone nor of one link.
    pub fn is_global(&self) -> bool {
        match self.ip {
            IpAddr::V4(ip) => !ip.is_loopback() && !ip.is_link_local(),
            IpAddr::V6(ip) => !ip.is_loopback() && !ip.is_unicast_link_local(),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip, self.prefix)
    }
}

/// All addresses, sorted by interface, IPv4 first.
///
/// # Errors
/// What the system says; no netlink socket is allowed, for one.
pub fn addresses() -> io::Result<Vec<Address>> {
    let mut list: *mut libc::ifaddrs = std::ptr::null_mut();
    #[expect(unsafe_code, reason = "getifaddrs has no safe wrapper among our dependencies")]
    // SAFETY: `list` is a valid place for the pointer that the call writes.
    if unsafe { libc::getifaddrs(&raw mut list) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let mut found = Vec::new();
    let mut next = list;
    #[expect(unsafe_code, reason = "walks the list that getifaddrs made")]
    // SAFETY: every element up to the null pointer is valid until freeifaddrs, which comes after the loop.
    while let Some(entry) = unsafe { next.as_ref() } {
        next = entry.ifa_next;
        // SAFETY: the name is a NUL-terminated text of the same life.
        let name = unsafe { CStr::from_ptr(entry.ifa_name) }.to_string_lossy();
        // SAFETY: both are null or socket addresses as long as their family says.
        let (ip, mask) = unsafe { (ip_of(entry.ifa_addr), ip_of(entry.ifa_netmask)) };
        if let Some(ip) = ip {
            let prefix = mask.map_or(0, |mask| match mask {
                IpAddr::V4(mask) => mask.to_bits().leading_ones(),
                IpAddr::V6(mask) => mask.to_bits().leading_ones(),
            });
            found.push(Address { interface: name.into_owned(), ip, prefix });
        }
    }
    #[expect(unsafe_code, reason = "frees the list that getifaddrs made")]
    // SAFETY: `list` came from getifaddrs and nothing borrows from it any more.
    unsafe {
        libc::freeifaddrs(list);
    }
    found.sort_by(|a, b| (&a.interface, a.ip).cmp(&(&b.interface, b.ip)));
    Ok(found)
}

/// The IP address in a socket address; `None` for null and other families.
///
/// # Safety
/// `address` is null or points to a socket address as long as its family says.
#[expect(unsafe_code, reason = "reads a C structure whose type depends on its first field")]
unsafe fn ip_of(address: *const libc::sockaddr) -> Option<IpAddr> {
    // SAFETY: by the caller's promise.
    let family = unsafe { address.as_ref() }?.sa_family;
    match i32::from(family) {
        libc::AF_INET => {
            // SAFETY: by the caller's promise, an AF_INET address is a sockaddr_in.
            let address = unsafe { address.cast::<libc::sockaddr_in>().read_unaligned() };
            Some(Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: by the caller's promise, an AF_INET6 address is a sockaddr_in6.
            let address = unsafe { address.cast::<libc::sockaddr_in6>().read_unaligned() };
            Some(Ipv6Addr::from(address.sin6_addr.s6_addr).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_has_its_address() {
        let all = addresses().unwrap();
        let lo = all.iter().find(|address| address.ip == IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap();
        assert_eq!((lo.interface.as_str(), lo.to_string().as_str()), ("lo", "127.0.0.1/8"));
        assert!(!lo.is_global());
    }
}
