//! What arrives is data, bounded and never believed before it is verified.
