//! Values both ends share.
