//! End-to-end tests: real processes, real faults, and the conservation oracle after each.

#[cfg(test)]
mod agents;
#[cfg(test)]
mod broker;
#[cfg(test)]
mod clock;
#[cfg(test)]
mod crashes;
#[cfg(test)]
mod database;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod hung;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod live;
#[cfg(test)]
mod orphans;
#[cfg(test)]
mod user;
