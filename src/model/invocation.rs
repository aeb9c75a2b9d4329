//! Who invokes a Lambda function, as far as the app shows it.

use super::meaning::words;
use super::site::Site;
use super::{Model, known};
use crate::syntax::Syn;

/// How a function is invoked.
///
/// Source: the AWS Lambda developer guide, "Invoking Lambda functions".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invocation {
    /// The caller waits for the answer: API Gateway, load balancer, function URL, Step Functions.
    Sync,
    /// Lambda queues the event and retries: EventBridge, SNS, S3.
    Async,
    /// Lambda polls a queue or a stream, which keeps the event until it is handled.
    Poll,
}

/// Classes that invoke a function given to them: by which argument, or which property of the props.
const INVOKERS: [(&str, Given, Invocation); 23] = [
    ("aws_apigateway.LambdaIntegration", Given::Argument(0), Invocation::Sync),
    ("aws_apigateway.LambdaRestApi", Given::Property("handler"), Invocation::Sync),
    ("aws_apigateway.TokenAuthorizer", Given::Property("handler"), Invocation::Sync),
    ("aws_apigateway.RequestAuthorizer", Given::Property("handler"), Invocation::Sync),
    ("aws_apigatewayv2_integrations.HttpLambdaIntegration", Given::Argument(1), Invocation::Sync),
    ("aws_apigatewayv2_integrations.WebSocketLambdaIntegration", Given::Argument(1), Invocation::Sync),
    ("aws_apigatewayv2_integrations_alpha.HttpLambdaIntegration", Given::Argument(1), Invocation::Sync),
    ("aws_apigatewayv2_integrations_alpha.WebSocketLambdaIntegration", Given::Argument(1), Invocation::Sync),
    ("aws_apigatewayv2_authorizers.HttpLambdaAuthorizer", Given::Argument(1), Invocation::Sync),
    ("aws_apigatewayv2_authorizers.WebSocketLambdaAuthorizer", Given::Argument(1), Invocation::Sync),
    // Of CDK v1.
    ("aws_apigatewayv2_integrations.LambdaProxyIntegration", Given::Property("handler"), Invocation::Sync),
    ("aws_elasticloadbalancingv2_targets.LambdaTarget", Given::Argument(0), Invocation::Sync),
    ("aws_stepfunctions_tasks.LambdaInvoke", Given::Property("lambdaFunction"), Invocation::Sync),
    ("aws_lambda.FunctionUrl", Given::Property("function"), Invocation::Sync),
    ("aws_appsync.LambdaDataSource", Given::Property("lambdaFunction"), Invocation::Sync),
    ("aws_events_targets.LambdaFunction", Given::Argument(0), Invocation::Async),
    ("aws_scheduler_targets.LambdaInvoke", Given::Argument(0), Invocation::Async),
    ("aws_sns_subscriptions.LambdaSubscription", Given::Argument(0), Invocation::Async),
    ("aws_s3_notifications.LambdaDestination", Given::Argument(0), Invocation::Async),
    ("aws_logs_destinations.LambdaDestination", Given::Argument(0), Invocation::Async),
    ("aws_ses_actions.Lambda", Given::Property("function"), Invocation::Async),
    ("aws_lambda_destinations.LambdaDestination", Given::Argument(0), Invocation::Async),
    ("aws_lambda.EventSourceMapping", Given::Property("target"), Invocation::Poll),
];

/// What CloudFormation invokes for custom resources.
#[derive(Debug, Default)]
pub(super) struct CustomHandlers<'a> {
    functions: Vec<Syn<'a>>,
    /// Whether it invokes something else that cannot be followed.
    others: bool,
}

/// Where an invoker takes its function.
#[derive(Debug, Clone, Copy)]
enum Given {
    Argument(usize),
    Property(&'static str),
}

/// Event sources that push; every other one is polled.
const PUSHING: [(&str, Invocation); 4] = [
    ("aws_lambda_event_sources.SnsEventSource", Invocation::Async),
    ("aws_lambda_event_sources.S3EventSource", Invocation::Async),
    ("aws_lambda_event_sources.S3EventSourceV2", Invocation::Async),
    ("aws_lambda_event_sources.ApiEventSource", Invocation::Sync),
];

impl<'a> Model<'a> {
    /// The ways in which the app invokes a function, each with the node that does; sorted, an alias or
    /// version counted as its function.
    pub fn invocations(&self, function: &Site<'a>) -> Vec<(Invocation, Syn<'a>)> {
        self.all_invocations()
            .iter()
            .filter(|(node, _, _)| *node == function.node)
            .map(|(_, how, by)| (*how, *by))
            .collect()
    }

    /// The expression by which an invoker (a node of [`Model::invocations`]) names its function: the function itself,
    /// an alias or a version.
    pub fn invoked_expression(&self, by: Syn<'a>) -> Option<Syn<'a>> {
        if let Some(site) = self.site_of(by) {
            let (_, given, _) = INVOKERS.iter().find(|(class, _, _)| self.builds(&site, class))?;
            return match given {
                Given::Argument(index) => site.arguments.get(*index).copied(),
                Given::Property(name) => site.props(self).get(self, name).value(),
            };
        }
        let Some(callee) = by.field("function").filter(|_| by.is("call_expression")) else { return Some(by) };
        match callee.field("property")?.text() {
            "addLambdaDataSource" | "addTrigger" => by.field("arguments")?.children().nth(1),
            _ => callee.field("object"),
        }
    }

    /// The expressions by which callers that wait for the answer name a function. A workflow does not mind a second.
    pub fn awaiting(&self, function: &Site<'a>) -> Vec<Syn<'a>> {
        self.invocations(function)
            .into_iter()
            .filter(|(how, by)| {
                let workflow =
                    self.site_of(*by).is_some_and(|site| site.class.starts_with("aws_stepfunctions"));
                *how == Invocation::Sync && !workflow
            })
            .filter_map(|(_, by)| self.invoked_expression(by))
            .collect()
    }

    /// Whether a method is called on a function, an alias or a version of it: `configureAsyncInvoke`.
    pub fn is_called_on(&self, function: &Site<'a>, method: &str) -> bool {
        let called = known(&self.called_functions, method, || {
            let object = |call: Syn<'a>| call.field("function").and_then(|callee| callee.field("object"));
            let functions = self.method_calls(method).filter_map(object);
            functions.filter_map(|object| self.invoked_function(object)).map(|site| site.node).collect()
        });
        called.contains(&function.node)
    }

    /// Whether a construct of its own may say what becomes of the events that a function, an alias or a version of it cannot handle:
    /// `EventInvokeConfig`, or CloudFormation's. One that names its function in a way that cannot be followed may be about any.
    pub fn has_invoke_config(&self, function: &Site<'a>) -> bool {
        const CONFIGS: [(&str, &str, &str); 2] = [
            ("aws_lambda.EventInvokeConfig", "function", "onFailure"),
            ("aws_lambda.CfnEventInvokeConfig", "functionName", "destinationConfig"),
        ];
        CONFIGS.iter().filter(|(class, _, _)| self.app_builds(class)).any(|(class, of, destination)| {
            self.all_sites().filter(|site| self.builds(site, class)).any(|site| {
                let props = site.props(self);
                // `fn`, or `fn.functionName`.
                let named = props.get(self, of).value().and_then(|value| {
                    let object = value.field("object").filter(|_| value.is("member_expression"));
                    self.invoked_function(value).or_else(|| self.invoked_function(object?))
                });
                props.get(self, destination) != super::Prop::Absent
                    && named.is_none_or(|named| named.node == function.node)
            })
        })
    }

    /// Whether CloudFormation invokes a function for a custom resource: as the handler of a provider, or as a
    /// service token. Such functions have their own ways of failing. Where a token cannot be followed, a function that is called so
    /// may be what it stands for.
    pub fn serves_custom_resource(&self, function: &Site<'a>) -> bool {
        let known = self.custom_handlers();
        known.functions.contains(&function.node) || known.others && self.is_called_custom_resource(function)
    }

    /// Whether a function's names or its description speak of a custom resource.
    fn is_called_custom_resource(&self, function: &Site<'a>) -> bool {
        let description = function.props(self).get(self, "description").value().map(Syn::text);
        let names = [function.label(), function.bound().unwrap_or_default()];
        names.iter().map(String::as_str).chain(description).any(|name| {
            let letters = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
            letters.to_ascii_lowercase().contains("customresource")
        })
    }

    /// Whether CloudFront runs a function at its edges: there it has limits of its own, and no queue, network or
    /// variables.
    pub fn runs_at_edge(&self, function: &Site<'a>) -> bool {
        self.builds(function, "aws_cloudfront.experimental.EdgeFunction")
            || self.edge_functions().contains(&function.node)
    }

    /// The functions whose versions are given to a distribution.
    fn edge_functions(&self) -> &[Syn<'a>] {
        self.edge_functions.get_or_init(|| {
            let mut found = Vec::new();
            for file in self.cdk_files().filter(|file| file.text.contains("cloudfront")) {
                let root = Syn::root(file);
                let keys = ["functionVersion", "lambdaFunction", "lambdaFunctionArn"];
                for at in keys.iter().flat_map(|key| words(root, key)) {
                    let Some(name) = root.at(at) else { continue };
                    let pair =
                        name.parent().filter(|pair| pair.is("pair") && pair.field("key") == Some(name));
                    let value = match pair {
                        Some(pair) => pair.field("value"),
                        None => Some(name).filter(|name| name.is("shorthand_property_identifier")),
                    };
                    let associated = name.text() == "functionVersion"
                        || name.ancestors().any(|around| {
                            around.is("pair")
                                && around
                                    .field("key")
                                    .is_some_and(|key| key.text() == "lambdaFunctionAssociations")
                        });
                    let Some(value) = value.filter(|_| associated) else { continue };
                    // `version`, or `version.functionArn`.
                    let object = if value.is("member_expression") { value.field("object") } else { None };
                    let version = self.invoked_function(value).or_else(|| self.invoked_function(object?));
                    found.extend(version.map(|function| function.node));
                }
            }
            found
        })
    }

    /// Whether an alarm starts a function: then it is a tool of operations, and no part of what the app does.
    pub fn answers_alarms(&self, function: &Site<'a>) -> bool {
        const ACTION: &str = "aws_cloudwatch_actions.LambdaAction";
        self.app_builds(ACTION)
            && self.all_sites().filter(|site| self.builds(site, ACTION)).any(|action| {
                let started = action.arguments.first().and_then(|first| self.invoked_function(*first));
                started.is_some_and(|started| started.node == function.node)
            })
    }

    /// The functions that CloudFormation invokes for custom resources.
    fn custom_handlers(&self) -> &CustomHandlers<'a> {
        self.custom_handlers.get_or_init(|| {
            let mut handlers = CustomHandlers::default();
            for site in self.all_sites() {
                let names: &[&str] = match () {
                    () if self.builds(&site, "custom_resources.Provider") => {
                        &["onEventHandler", "isCompleteHandler"]
                    }
                    () if self.builds(&site, "CustomResource") || self.builds(&site, "CfnCustomResource") => {
                        &["serviceToken"]
                    }
                    () => continue,
                };
                let props = site.props(self);
                for value in names.iter().filter_map(|name| props.get(self, name).value()) {
                    // `fn`, or `fn.functionArn`.
                    let object = if value.is("member_expression") { value.field("object") } else { None };
                    let mut functions = std::iter::once(value).chain(object);
                    match functions.find_map(|value| self.invoked_function(value)) {
                        Some(function) => handlers.functions.push(function.node),
                        None => handlers.others = true,
                    }
                }
            }
            handlers
        })
    }

    /// The calls of a method by name in the files that speak to the CDK, by path and offset.
    pub fn method_calls(&self, method: &str) -> impl Iterator<Item = Syn<'a>> + use<'a> {
        let calls = known(&self.calls, method, || {
            let mut calls = Vec::new();
            for file in self.cdk_files() {
                let root = Syn::root(file);
                calls.extend(words(root, method).filter_map(|at| {
                    let member = root.at(at.clone())?.parent().filter(|node| node.is("member_expression"))?;
                    let call = member.parent().filter(|node| node.is("call_expression"))?;
                    (call.field("function") == Some(member) && member.field("property")?.span() == at)
                        .then_some(call)
                }));
            }
            calls
        });
        (0..calls.len()).filter_map(move |at| calls.get(at).copied())
    }

    /// The function that an expression stands for: itself, or that of an alias or a version.
    pub fn invoked_function(&self, expression: Syn<'a>) -> Option<Site<'a>> {
        if let Some(site) = self.origin(expression) {
            let behind = match () {
                () if self.builds(&site, "aws_lambda.Alias") => "version",
                () if self.builds(&site, "aws_lambda.Version") => "lambda",
                () => return Some(site),
            };
            return self.invoked_function(site.props(self).get(self, behind).value()?);
        }
        // `fn.currentVersion`, `fn.addAlias('live')`, `fn.latestVersion`.
        let member = match expression.kind() {
            "call_expression" => expression.field("function")?,
            _ => match self.meaning(expression)? {
                super::Meaning::Value(value) if value.is("call_expression") => value.field("function")?,
                super::Meaning::Value(value) => value,
                _ => return None,
            },
        };
        let property = member.field("property")?.text();
        matches!(property, "currentVersion" | "latestVersion" | "addAlias")
            .then(|| self.invoked_function(member.field("object")?))
            .flatten()
    }

    /// Every invocation in the app: the function's node, how, and by which node.
    fn all_invocations(&self) -> &[(Syn<'a>, Invocation, Syn<'a>)] {
        self.invocations.get_or_init(|| {
            let mut found = Vec::new();
            for site in self.all_sites() {
                let Some((_, given, how)) = INVOKERS.iter().find(|(class, _, _)| self.builds(&site, class))
                else {
                    continue;
                };
                let expression = match given {
                    Given::Argument(index) => site.arguments.get(*index).copied(),
                    Given::Property(name) => site.props(self).get(self, name).value(),
                };
                // An integration may ask Lambda not to wait, and an API may have no route but those.
                let how =
                    if site.node.text().contains("X-Amz-Invocation-Type") { Invocation::Async } else { *how };
                if self.is_idle_default(&site) {
                    continue;
                }
                if let Some(function) = expression.and_then(|expression| self.invoked_function(expression)) {
                    found.push((function.node, how, site.node));
                }
            }
            for (method, how) in [("addEventSource", Invocation::Poll), ("addFunctionUrl", Invocation::Sync)]
            {
                for call in self.method_calls(method) {
                    let object = call.field("function").and_then(|callee| callee.field("object"));
                    let Some(function) = object.and_then(|object| self.invoked_function(object)) else {
                        continue;
                    };
                    let source =
                        call.field("arguments").and_then(Syn::first).and_then(|source| self.origin(source));
                    let pushed = source.and_then(|source| {
                        PUSHING.iter().find(|(class, _)| self.builds(&source, class)).map(|(_, how)| *how)
                    });
                    found.push((function.node, pushed.unwrap_or(how), call));
                }
            }
            self.find_waiting(&mut found);
            // `events: [new SqsEventSource(queue)]` in the function's own props.
            for site in self.all_sites().filter(|site| self.builds(site, "aws_lambda.Function")) {
                let Some(list) = site.props(self).get(self, "events").value().filter(|list| list.is("array"))
                else {
                    continue;
                };
                for source in list.children().filter_map(|source| self.origin(source)) {
                    let pushed =
                        PUSHING.iter().find(|(class, _)| self.builds(&source, class)).map(|(_, how)| *how);
                    found.push((site.node, pushed.unwrap_or(Invocation::Poll), source.node));
                }
            }
            found.sort_by(|a, b| (&a.2.file.path, a.2.start(), a.1).cmp(&(&b.2.file.path, b.2.start(), b.1)));
            found
        })
    }

    /// Whether a REST API has a function of its own (`LambdaRestApi`) that no method goes to: each names its integration.
    fn is_idle_default(&self, api: &Site<'a>) -> bool {
        let by_class =
            || api.props(self).get(self, "proxy").value().is_none_or(|proxy| proxy.text() != "false");
        if !self.builds(api, "aws_apigateway.LambdaRestApi") || by_class() {
            return false;
        }
        let names_one = |call: Syn<'a>| {
            let integration = call.field("arguments").and_then(|given| given.children().nth(1));
            integration.is_some_and(|integration| integration.text() != "undefined")
        };
        let mut methods = self.method_calls("addMethod").peekable();
        methods.peek().is_some() && methods.all(names_one) && self.method_calls("addProxy").next().is_none()
    }

    /// What AppSync and Cognito call: `api.addLambdaDataSource('id', fn)`, `pool.addTrigger(operation, fn)`, `lambdaTriggers`. A resolver may
    /// ask AppSync not to wait, and nobody waits for what sends messages in the place of Cognito.
    fn find_waiting(&self, found: &mut Vec<(Syn<'a>, Invocation, Syn<'a>)>) {
        let queued =
            self.method_calls("addLambdaDataSource").next().is_some()
                && self.app.files.iter().any(|file| {
                    file.text().is_ok_and(|text| super::meaning::has_word(text, "invocationType"))
                });
        let methods: &[&str] = if queued { &["addTrigger"] } else { &["addLambdaDataSource", "addTrigger"] };
        for call in methods.iter().flat_map(|method| self.method_calls(method)) {
            let mut given = call.field("arguments").into_iter().flat_map(Syn::children);
            let (Some(first), Some(second)) = (given.next(), given.next()) else { continue };
            let known = self.invoked_function(second).filter(|site| self.builds(site, "aws_lambda.Function"));
            found.extend(
                known
                    .filter(|_| !first.text().contains("_SENDER"))
                    .map(|function| (function.node, Invocation::Sync, call)),
            );
        }
        for pool in self.all_sites().filter(|site| self.builds(site, "aws_cognito.UserPool")) {
            let triggers = pool.props(self).get(self, "lambdaTriggers").value();
            let object = triggers.and_then(|triggers| self.props_of(triggers).object());
            let pairs = object.into_iter().flat_map(Syn::children);
            let awaited = pairs.filter(|pair| {
                !super::props::key_of(*pair).is_some_and(|trigger| trigger.ends_with("Sender"))
            });
            for value in awaited.filter_map(|pair| pair.field("value")) {
                let function = self.invoked_function(value);
                found.extend(function.map(|function| (function.node, Invocation::Sync, value)));
            }
        }
    }
}
