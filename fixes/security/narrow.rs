//! Statements that take the place of a policy which allows too much.

use crate::detect::Refusal;
use crate::edit::{Builder, no_fix};
use crate::model::{Binding, Model, Site};
use crate::syntax::Syn;

/// What it takes to update the stack that a principal belongs to.
pub(super) fn own_stack<'a>(
    b: &mut Builder<'_, 'a>,
    principal: &Site<'a>,
    at: Syn<'a>,
    name: &str,
) -> Result<String, Refusal> {
    let add = add(b, principal, at, name)?;
    let stack = b.stack_text(at, principal.scope().map_or("this", Syn::text))?;
    let mut own = OWN_STACK.to_owned();
    if transforms(b.model) {
        own = own.replace("\n    ],\n  })", TRANSFORMS);
    }
    let own = own.replace("STACK", &stack);
    Ok(format!(
        "{add}{own}\n\n// These two have no resource type, so they only match '*'\n{add}{WITHOUT_RESOURCE}"
    ))
}

/// Whether templates of the app name a macro, which CloudFormation runs for whoever may use it.
fn transforms(model: &Model<'_>) -> bool {
    let said = ["addTransform(", "hostedRotation", "HostedRotation"];
    model.app_builds("aws_sam.CfnFunction")
        || model.app_builds("cloudformation_include.CfnInclude")
        || model.cdk_files().any(|file| said.iter().any(|word| file.text.contains(word)))
}

/// Leave to become the roles of the CDK bootstrap.
pub(super) fn bootstrap_roles<'a>(
    b: &mut Builder<'_, 'a>,
    principal: &Site<'a>,
    at: Syn<'a>,
    name: &str,
) -> Result<String, Refusal> {
    let add = add(b, principal, at, name)?;
    let stack = b.stack_text(at, principal.scope().map_or("this", Syn::text))?;
    Ok(format!("{add}{}", BOOTSTRAP_ROLES.replace("STACK", &stack)))
}

/// `role.addToPolicy(new iam.PolicyStatement({`.
fn add<'a>(
    b: &mut Builder<'_, 'a>,
    principal: &Site<'a>,
    at: Syn<'a>,
    name: &str,
) -> Result<String, Refusal> {
    let is = |class: &str| b.model.builds(principal, class);
    let method = if is("aws_iam.Role") {
        // What another name stands for may be typed as an IRole.
        let own = matches!(principal.binding(), Binding::Variable(own) | Binding::Field(own) if name.ends_with(own.text()));
        if own || principal.binding() == Binding::None { "addToPolicy" } else { "addToPrincipalPolicy" }
    } else if is("aws_lambda.Function") || is("aws_codebuild.Project") {
        "addToRolePolicy"
    } else {
        return Err(no_fix(
            "statements cannot be added to this construct in a way that wa-fix knows",
            "give it a role of its own with the actions that it needs",
        ));
    };
    let statement = b.cdk(at, "aws_iam.PolicyStatement")?;
    Ok(format!("{name}.{method}(\n  new {statement}({{"))
}

const OWN_STACK: &str = "
    sid: 'ManageOwnStack',
    actions: [
      'cloudformation:CreateChangeSet',
      'cloudformation:DeleteChangeSet',
      'cloudformation:DescribeChangeSet',
      'cloudformation:DescribeStackEvents',
      'cloudformation:DescribeStackResource',
      'cloudformation:DescribeStackResources',
      'cloudformation:DescribeStacks',
      'cloudformation:ExecuteChangeSet',
      'cloudformation:GetTemplate',
      'cloudformation:GetTemplateSummary',
      'cloudformation:ListStackResources',
      'cloudformation:UpdateStack',
    ],
    resources: [
      STACK.formatArn({
        service: 'cloudformation',
        resource: 'stack',
        resourceName: `${STACK.stackName}/*`,
      }),
    ],
  })
);";

/// What comes behind the stack where templates name macros.
const TRANSFORMS: &str = "
      // The templates name macros, such as that of a rotation
      STACK.formatArn({
        service: 'cloudformation',
        account: 'aws',
        resource: 'transform',
        resourceName: '*',
      }),
    ],
  })";

const WITHOUT_RESOURCE: &str = "
    sid: 'ReadOnlyWithoutResource',
    actions: ['cloudformation:ListStacks', 'cloudformation:ValidateTemplate'],
    resources: ['*'],
  })
);";

const BOOTSTRAP_ROLES: &str = "
    sid: 'UseCdkBootstrapRoles',
    actions: ['sts:AssumeRole'],
    resources: [
      STACK.formatArn({
        service: 'iam',
        region: '',
        resource: 'role',
        resourceName: 'cdk-*',
      }),
    ],
    conditions: {
      'ForAnyValue:StringEquals': {
        'iam:ResourceTag/aws-cdk:bootstrap-role': [
          'deploy',
          'file-publishing',
          'image-publishing',
          'lookup',
        ],
      },
    },
  })
);";
