//! What takes the place of a policy that allows too much.

use super::boundary::is_a_worker;
use super::build_commands::{Need, need};
use super::grant::{Grant, Service, name_at, needed};
use super::narrow::{bootstrap_roles, own_stack};
use crate::detect::Refusal;
use crate::edit::{Builder, no_fix};
use crate::model::{Binding, Model, Site, statement_of};
use crate::syntax::Syn;

/// The policy of AWS that lets its holder change every stack.
pub(super) const CLOUDFORMATION: &str = "AWSCloudFormationFullAccess";

/// What replaces a policy.
#[derive(Debug, Clone)]
pub(super) enum Cure<'a> {
    /// Nothing does: it is not needed.
    Remove,
    /// Leave to become the roles of the CDK bootstrap.
    BootstrapRoles,
    /// Leave to update the own stack.
    OwnStack,
    /// A grant of the one construct that is used.
    Grant(Box<Grant<'a>>, Service),
    /// The policy stays, and the role gets a boundary.
    Boundary,
}

impl Cure<'_> {
    /// What a message says of it.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Remove => "No command that runs as it speaks to CloudFormation, so the fix takes the policy away.".into(),
            Self::BootstrapRoles => "It runs `cdk deploy`, whose work is done by the roles of the CDK bootstrap: the fix lets it \
                 assume these instead."
                .into(),
            Self::OwnStack => "The fix allows what it takes to update this stack, on this stack only; a command that touches \
                 others loses access."
                .into(),
            Self::Grant(grant, _) => format!(
                "Its function is told of `{}` only, so the fix grants access to that; code that reaches others loses it.",
                grant.resource.text()
            ),
            Self::Boundary => "The code does not show what it needs, so the policy stays for a person to narrow; the fix adds a permissions boundary \
                 that keeps it from IAM, the organization, the audit trail and the keys' policies. Code that manages those loses it."
                .into(),
        }
    }
}

/// Where a policy of AWS is attached.
#[derive(Debug, Clone)]
pub(super) enum Place<'a> {
    /// In `managedPolicies: […]` of a construct.
    Listed { element: Syn<'a>, array: Syn<'a> },
    /// By `receiver.addManagedPolicy(…)`.
    Added { call: Syn<'a>, receiver: Syn<'a> },
}

/// The construct whose role an expression stands for: a role, or what has one (`fn.role!`).
pub(super) fn principal<'a>(model: &Model<'a>, expression: Syn<'a>) -> Option<Site<'a>> {
    if let Some(site) = model.origin(expression) {
        return Some(site);
    }
    model.origin(owner_of_role(expression)?)
}

/// `fn` of `fn.role`, `fn.role!` and `fn.role?`.
fn owner_of_role(expression: Syn<'_>) -> Option<Syn<'_>> {
    let member = if expression.is("non_null_expression") { expression.first()? } else { expression };
    let role = member.field("property").filter(|property| property.text() == "role");
    role.and_then(|_| member.field("object"))
}

/// What can replace a policy of AWS, if the code shows what is needed.
pub(super) fn cure<'a>(model: &Model<'a>, name: &str, principal: &Site<'a>) -> Option<Cure<'a>> {
    let root = Syn::root(principal.node.file).text();
    let v1 = root.contains("@aws-cdk/core") || root.contains("@aws-cdk/aws-iam");
    match name {
        CLOUDFORMATION => Some(match need(model, principal) {
            Need::Nothing => Cure::Remove,
            Need::CdkDeploy | Need::CdkDeployAndMore if !v1 => Cure::BootstrapRoles,
            _ => Cure::OwnStack,
        }),
        "AdministratorAccess" | "PowerUserAccess" => {
            let deploys = need(model, principal) == Need::CdkDeploy && !v1;
            let all = name == "AdministratorAccess";
            deploys
                .then_some(Cure::BootstrapRoles)
                .or_else(|| (all && is_a_worker(model, principal)).then_some(Cure::Boundary))
        }
        _ => {
            let service = Service::of_policy(name)?;
            Some(Cure::Grant(Box::new(needed(model, principal, service)?), service))
        }
    }
}

/// Takes a policy away and puts what replaces it in its place.
pub(super) fn replace<'a>(
    b: &mut Builder<'_, 'a>,
    place: &Place<'a>,
    principal: &Site<'a>,
    cure: &Cure<'a>,
) -> Result<(), Refusal> {
    match *place {
        Place::Added { call, receiver } => {
            let statement = own_statement(call)?;
            in_place(b, statement, receiver, principal, cure)
        }
        Place::Listed { element, array } => {
            let list = array.parent().filter(|_| array.children().count() == 1);
            b.remove_entry(list.unwrap_or(element));
            if let Cure::Remove = cure {
                return Ok(());
            }
            if let Cure::Grant(grant, service) = cure {
                return after_function(b, grant, *service, principal);
            }
            let statement = b.statement(principal.node)?;
            let name = bound_name(b, principal, statement)?;
            let code = match cure {
                Cure::BootstrapRoles => bootstrap_roles(b, principal, principal.node, &name)?,
                _ => own_stack(b, principal, principal.node, &name)?,
            };
            b.insert_after(statement, &code);
            Ok(())
        }
    }
}

/// Replaces the statement that attaches a policy.
pub(super) fn in_place<'a>(
    b: &mut Builder<'_, 'a>,
    statement: Syn<'a>,
    receiver: Syn<'a>,
    principal: &Site<'a>,
    cure: &Cure<'a>,
) -> Result<(), Refusal> {
    let owner = owner_of_role(receiver).filter(|_| b.model.origin(receiver).is_none()).unwrap_or(receiver);
    let code = match cure {
        Cure::Remove | Cure::Boundary => String::new(),
        Cure::Grant(grant, service) => {
            let Some(code) = grant.code(statement, owner.text(), *service) else {
                b.remove_statement(statement);
                return after_function(b, grant, *service, principal);
            };
            code
        }
        Cure::BootstrapRoles => bootstrap_roles(b, principal, statement, owner.text())?,
        Cure::OwnStack => own_stack(b, principal, statement, owner.text())?,
    };
    if code.is_empty() {
        b.remove_statement(statement);
    } else {
        b.replace(statement, &code);
    }
    Ok(())
}

/// The statement that is nothing but a call.
pub(super) fn own_statement(call: Syn<'_>) -> Result<Syn<'_>, Refusal> {
    call.parent()
        .filter(|parent| parent.is("expression_statement") && statement_of(call) == Some(*parent))
        .ok_or_else(|| {
            no_fix(
                "the policy is attached inside another expression",
                "attach it in a statement of its own, then run again",
            )
        })
}

/// Grants behind the function, where everything has been built.
fn after_function<'a>(
    b: &mut Builder<'_, 'a>,
    grant: &Grant<'a>,
    service: Service,
    principal: &Site<'a>,
) -> Result<(), Refusal> {
    let function = &grant.function;
    let statement = b.statement(function.node)?;
    let grantee = match function.binding() {
        Binding::Variable(name) => Some(name.text().to_owned()),
        Binding::Field(name) => Some(format!("this.{}", name.text())),
        Binding::None => name_at(principal, function.node),
    };
    let code = grantee.and_then(|grantee| grant.code(function.node, &grantee, service));
    let Some(code) = code.filter(|_| super::holder(function.node) == Some(statement)) else {
        return Err(no_fix(
            "neither the function nor its role has a name where the grant would stand",
            "keep the function in a variable, then run again",
        ));
    };
    if !code.is_empty() {
        b.insert_after(statement, &code);
    }
    Ok(())
}

/// How the principal is called; one that has no name gets one.
fn bound_name<'a>(
    b: &mut Builder<'_, 'a>,
    principal: &Site<'a>,
    statement: Syn<'a>,
) -> Result<String, Refusal> {
    super::named(b, principal, statement, "role").ok_or_else(|| {
        no_fix(
            "the role is built inside another expression, where no statement can follow it",
            "keep the role in a variable of its own, then run again",
        )
    })
}
