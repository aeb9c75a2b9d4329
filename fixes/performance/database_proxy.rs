//! A proxy between a database and the functions that reach it.

use crate::detect::Refusal;
use crate::edit::{Builder, no_fix};
use crate::model::{Model, Prop, Site, statement_of};
use crate::syntax::Syn;

/// One place where a function is given a database.
#[derive(Clone, Copy)]
pub(super) enum Tie<'a> {
    /// `cluster.clusterEndpoint.hostname` in the environment of a function.
    Host(Syn<'a>),
    /// `cluster.connections` of `cluster.connections.allowFrom(fn, port)`.
    From(Syn<'a>),
    /// `cluster.connections.allowDefaultPortFrom(fn)`: the call and the function.
    DefaultFrom(Syn<'a>, Syn<'a>),
    /// The database in `fn.connections.allowTo(cluster, port)`.
    To(Syn<'a>),
    /// `fn.connections.allowToDefaultPort(cluster)`: the call and `fn.connections`.
    DefaultTo(Syn<'a>, Syn<'a>),
    /// `cluster.grantConnect(fn)`.
    Login,
    /// The address, as a part of something else that a function is given.
    Part,
}

impl<'a> Tie<'a> {
    /// What is replaced.
    fn node(self) -> Option<Syn<'a>> {
        match self {
            Self::Host(node) | Self::From(node) | Self::To(node) => Some(node),
            Self::DefaultFrom(call, _) | Self::DefaultTo(call, _) => Some(call),
            Self::Login | Self::Part => None,
        }
    }

    /// The expression that stands for the database.
    fn database(self) -> Option<Syn<'a>> {
        match self {
            Self::Host(node) => {
                let inner = node.field("object")?;
                let endpoint = inner.field("property").map_or("", Syn::text);
                let long = node.field("property").is_some_and(|name| name.text() == "hostname");
                if long && endpoint.ends_with("Endpoint") { inner.field("object") } else { Some(inner) }
            }
            Self::From(node) => node.field("object"),
            Self::DefaultFrom(call, _) => call.field("function")?.field("object")?.field("object"),
            Self::To(node) => Some(node),
            Self::DefaultTo(call, _) => call.field("arguments")?.first(),
            Self::Login | Self::Part => None,
        }
    }

    /// Whether it opens the way to the database.
    fn opens(self) -> bool {
        !matches!(self, Self::Host(_) | Self::Login | Self::Part)
    }
}

/// Whether a proxy can stand before a database: its engine is one that RDS Proxy knows, and it is not reached by HTTP.
pub(super) fn can_have_proxy<'a>(model: &Model<'a>, database: &Site<'a>) -> bool {
    let props = database.props(model);
    let name = props.get(model, "engine").value().and_then(|engine| {
        model.cdk_name(if engine.is("call_expression") { engine.field("function")? } else { engine })
    });
    let known = name.is_some_and(|name| {
        let engine = name.rsplit('.').next().unwrap_or_default().to_lowercase();
        ["postgres", "mysql", "maria", "sqlserver", "sql_server"].iter().any(|word| engine.contains(word))
    });
    // A proxy listens at the port that is usual for its engine.
    let usual = ["enableDataApi", "port"].iter().all(|name| props.get(model, name) == Prop::Absent);
    known && usual && !has_proxy(model, database)
}

fn has_proxy<'a>(model: &Model<'a>, database: &Site<'a>) -> bool {
    model.method_calls("addProxy").any(|call| {
        let object = call.field("function").and_then(|callee| callee.field("object"));
        let of = object.and_then(|object| model.origin(object));
        of.map_or_else(|| call.text().contains("secrets"), |site| site.node == database.node)
    })
}

/// Where functions are given a database.
pub(super) fn ties<'a>(model: &Model<'a>, database: &Site<'a>) -> Vec<Tie<'a>> {
    model.uses(database).into_iter().filter_map(|node| tie(model, node)).collect()
}

fn tie<'a>(model: &Model<'a>, node: Syn<'a>) -> Option<Tie<'a>> {
    let is_function = |node: Syn<'a>| {
        model.invoked_function(node).is_some_and(|site| model.builds(&site, "aws_lambda.Function"))
    };
    let around = node.parent()?;
    if around.is("arguments") {
        let call = around.parent().filter(|call| call.is("call_expression"))?;
        let callee = call.field("function")?;
        let connections = callee.field("object")?;
        let of_function = connections.field("property")?.text() == "connections"
            && is_function(connections.field("object")?);
        return match callee.field("property")?.text() {
            "allowTo" if of_function => Some(Tie::To(node)),
            "allowToDefaultPort" if of_function => Some(Tie::DefaultTo(call, connections)),
            _ => None,
        };
    }
    let member = Some(around)
        .filter(|around| around.is("member_expression") && around.field("object") == Some(node))?;
    let outer = member.parent()?;
    match member.field("property")?.text() {
        "grantConnect" => is_function(outer.field("arguments")?.first()?).then_some(Tie::Login),
        "connections" => {
            let call = outer.parent().filter(|call| call.is("call_expression"))?;
            let function = call.field("arguments")?.first().filter(|first| is_function(*first))?;
            match outer.field("property")?.text() {
                "allowFrom" => Some(Tie::From(member)),
                "allowDefaultPortFrom" => Some(Tie::DefaultFrom(call, function)),
                _ => None,
            }
        }
        "dbInstanceEndpointAddress" => host(model, member),
        "clusterEndpoint" | "instanceEndpoint" if outer.field("property")?.text() == "hostname" => {
            host(model, outer)
        }
        _ => None,
    }
}

/// The address in what a function is given: by itself in its environment, or as a part of something else.
fn host<'a>(model: &Model<'a>, value: Syn<'a>) -> Option<Tie<'a>> {
    let site = value.ancestors().find_map(|around| model.site_of(around))?;
    model.builds(&site, "aws_lambda.Function").then_some(())?;
    let entry = value.parent().filter(|entry| entry.is("pair") && entry.field("value") == Some(value));
    let holder = entry.and_then(Syn::parent).and_then(Syn::parent).filter(|pair| pair.is("pair"));
    let environment =
        holder.and_then(|pair| pair.field("key")).is_some_and(|key| key.text() == "environment");
    Some(if environment { Tie::Host(value) } else { Tie::Part })
}

/// Puts a proxy behind the database's statement and leads every tie through it.
///
/// # Errors
/// A [`Refusal`] where the password is in no secret, a function is out of sight, or the way is opened elsewhere.
pub(super) fn add_proxy<'a>(
    b: &mut Builder<'_, 'a>,
    database: &Site<'a>,
    ties: &[Tie<'a>],
) -> Result<(), Refusal> {
    check_kinds(ties)?;
    let place = place(b, database, ties)?;
    check_secret(b.model, database)?;
    let Place { statement, behind, own, vpc } = place;
    let port = if b.model.builds(database, "aws_rds.DatabaseCluster") {
        "clusterEndpoint"
    } else {
        "instanceEndpoint"
    };
    let proxy = b.fresh_name(statement.file, &["proxy", "databaseProxy"]);
    let duration = b.cdk(statement, "Duration")?;
    let entry = if vpc == "vpc" { vpc } else { format!("vpc: {vpc}") };
    let code = format!(
        "// Functions share its connections to the database\nconst {proxy} = {own}.addProxy('Proxy', {{\n  secrets: [{own}.secret!],\n  \
         {entry},\n  requireTLS: true,\n  borrowTimeout: {duration}.seconds(10),\n  maxConnectionsPercent: 90,\n}});"
    );
    if behind {
        b.insert_after(statement, &code);
    } else {
        b.insert_before(statement, &code);
    }
    for tie in ties {
        let port = |b: &mut Builder<'_, 'a>, at| {
            Ok::<_, Refusal>(format!("{}.tcp({own}.{port}.port)", b.cdk(at, "aws_ec2.Port")?))
        };
        match *tie {
            Tie::Host(node) => b.replace(node, &kept(node, format!("{proxy}.endpoint"))?),
            Tie::From(node) => b.replace(node, &kept(node, format!("{proxy}.connections"))?),
            Tie::To(node) => b.replace(node, &proxy),
            Tie::DefaultFrom(call, function) => {
                let port = port(b, call)?;
                let code = format!("{proxy}.connections.allowFrom({}, {port})", function.text());
                b.replace(call, &kept(call, code)?);
            }
            Tie::DefaultTo(call, connections) => {
                let port = port(b, call)?;
                let code = format!("{}.allowTo({proxy}, {port})", connections.text());
                b.replace(call, &kept(call, code)?);
            }
            Tie::Login | Tie::Part => {}
        }
    }
    Ok(())
}

/// Code in the place of a node, with the comments that stood inside.
fn kept(node: Syn<'_>, mut code: String) -> Result<String, Refusal> {
    let mut open: Vec<Syn<'_>> = node.tokens().collect();
    while let Some(token) = open.pop() {
        let comment = token.text();
        if !token.is("comment") {
            open.extend(token.tokens());
        } else if comment.starts_with("//") {
            return Err(no_fix(
                "a comment stands in the middle of what gives a function the database",
                "move it above, then run again",
            ));
        } else if !code.contains(comment) {
            code = format!("{code} {comment}");
        }
    }
    Ok(code)
}

/// Where a proxy is built, and what the database and its network are called there.
struct Place<'a> {
    statement: Syn<'a>,
    /// Whether it is built behind the statement, or before it.
    behind: bool,
    own: String,
    vpc: String,
}

/// Behind the database, where all that reach it stand further down; else before the first of those, where it has a name too.
fn place<'a>(b: &Builder<'_, 'a>, database: &Site<'a>, ties: &[Tie<'a>]) -> Result<Place<'a>, Refusal> {
    let nodes: Vec<Syn<'a>> = ties.iter().filter_map(|tie| tie.node()).collect();
    let home = b.statement(database.node)?;
    let below = |statement: Syn<'a>| {
        let block = statement.parent();
        nodes.iter().all(|node| {
            std::ptr::eq(node.file, statement.file)
                && node.start() >= statement.start()
                && statement_of(*node).is_some_and(|own| {
                    own.parent() == block || own.ancestors().any(|around| Some(around) == block)
                })
        })
    };
    if below(home) {
        let Some(own) = database.bound() else {
            return Err(no_fix(
                "the database is bound to no name",
                "assign it to a constant, then run again",
            ));
        };
        let vpc = database.props(b.model).get(b.model, "vpc").value().filter(|vpc| is_name(*vpc));
        let vpc = vpc.ok_or_else(|| {
            no_fix(
                "the VPC of the database is not a name that can be used here",
                "keep the VPC in a constant, then run again",
            )
        })?;
        return Ok(Place { statement: home, behind: true, own, vpc: vpc.text().to_owned() });
    }
    let first = nodes.iter().min_by_key(|node| node.start()).and_then(|node| statement_of(*node));
    let place =
        first.filter(|first| below(*first)).and_then(|first| elsewhere(b.model, database, ties, first));
    place.ok_or_else(|| {
        no_fix(
            "a function is given the database where a proxy beside the database cannot be seen",
            "add a proxy to the database, keep it in a field, and give its endpoint to the functions",
        )
    })
}

/// Before a statement in another place than the database's: there it is a field of something, such as `props.cluster`.
fn elsewhere<'a>(
    model: &Model<'a>,
    database: &Site<'a>,
    ties: &[Tie<'a>],
    statement: Syn<'a>,
) -> Option<Place<'a>> {
    let names: Vec<Syn<'a>> = ties.iter().filter_map(|tie| tie.database()).collect();
    let own = *names.first()?;
    let same = names.iter().all(|name| name.text() == own.text());
    let known = !own.text().contains('?') && is_a_class(model, own);
    let host = ties.iter().find_map(|tie| match tie {
        Tie::Host(node) => Some(*node),
        _ => None,
    })?;
    let function = host.ancestors().find_map(|around| model.site_of(around))?;
    let vpc = function.props(model).get(model, "vpc").value().filter(|vpc| is_name(*vpc))?;
    let network = model.origin(vpc)?;
    let of_database = model.origin(database.props(model).get(model, "vpc").value()?)?;
    (same && known && network.node == of_database.node).then(|| Place {
        statement,
        behind: false,
        own: own.text().to_owned(),
        vpc: vpc.text().to_owned(),
    })
}

/// Whether a field is declared as a class of database: an interface does not tell the secret.
fn is_a_class<'a>(model: &Model<'a>, field: Syn<'a>) -> bool {
    let declared = || {
        let ty = model.type_of(field.field("object")?).ty;
        let member = model.member(&ty, field.field("property")?.text())?;
        model.cdk_name(member.node.field("type")?.first()?)
    };
    declared()
        .is_some_and(|class| matches!(class.as_str(), "aws_rds.DatabaseCluster" | "aws_rds.DatabaseInstance"))
}

fn is_name(node: Syn<'_>) -> bool {
    matches!(node.kind(), "identifier" | "member_expression" | "shorthand_property_identifier")
}

fn check_kinds(ties: &[Tie<'_>]) -> Result<(), Refusal> {
    if ties.iter().any(|tie| matches!(tie, Tie::Part)) || !ties.iter().any(|tie| matches!(tie, Tie::Host(_)))
    {
        return Err(no_fix(
            "the function does not take the address of the database from a value of its own in its environment",
            "add a proxy to the database and give the function its endpoint",
        ));
    }
    if ties.iter().any(|tie| matches!(tie, Tie::Login)) {
        return Err(no_fix(
            "a function logs in by IAM, which a proxy has to be told of",
            "add a proxy with iamAuth and let the function connect to it",
        ));
    }
    if ties.iter().any(|tie| tie.opens()) {
        return Ok(());
    }
    Err(no_fix(
        "who may reach the database is said by security groups elsewhere",
        "add a proxy to the database and open its security group to the function",
    ))
}

fn check_secret<'a>(model: &Model<'a>, database: &Site<'a>) -> Result<(), Refusal> {
    let known = match database.props(model).get(model, "credentials") {
        Prop::Absent => true,
        Prop::Present(entry) => {
            entry.value.field("function").and_then(|callee| model.cdk_name(callee)).is_some_and(|name| {
                name.ends_with("Credentials.fromGeneratedSecret") || name.ends_with("Credentials.fromSecret")
            })
        }
        Prop::Unknown => false,
    };
    if known {
        return Ok(());
    }
    Err(no_fix(
        "the password of the database may be in no secret, and a proxy reads it from one",
        "let the database use Credentials.fromGeneratedSecret, then run again",
    ))
}
