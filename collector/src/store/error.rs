//! What can go wrong with the database.

/// An operation on the database failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The server did not do what was asked.
    #[error("{operation}")]
    Database {
        /// What was tried.
        operation: &'static str,
        /// What the server or the connection said.
        #[source]
        source: sqlx::Error,
    },
    /// A file named in the configuration cannot be read.
    #[error("read {path}")]
    File {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The server is too old, or its schema is newer than this program.
    #[error("{0}")]
    Unsuitable(String),
    /// A regular expression in a matcher is wrong.
    #[error("label {label}: {problem}")]
    Matcher {
        /// The label.
        label: String,
        /// What is wrong.
        problem: String,
    },
    /// What is stored cannot be read.
    #[error("{what} {problem}")]
    Damaged {
        /// Which row.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl StoreError {
    /// For `map_err`: names the operation.
    pub(crate) fn database(operation: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Database { operation, source }
    }
}

impl StoreError {
    /// Whether trying again cannot help: the server took offence at the data (SQLSTATE classes 22 and 23), not at the moment.
    pub(crate) fn is_permanent(&self) -> bool {
        let Self::Database { source: sqlx::Error::Database(error), .. } = self else { return false };
        error.code().is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
    }
}
