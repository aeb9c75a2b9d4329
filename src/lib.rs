//! wa-fix repairs AWS CDK code against the AWS Well-Architected Framework.

pub mod model;
