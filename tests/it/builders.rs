//! The edit builders on every form of code they meet.

use std::path::PathBuf;

use wa_fix::detect::Refusal;
use wa_fix::edit::{Builder, Values};
use wa_fix::model::{App, Model, Overlay, Site};

/// Applies edits to a text.
fn edited(name: &str, text: &str, make: impl Fn(&mut Builder<'_, '_>) -> Result<(), Refusal>) -> String {
    let file = PathBuf::from("/app").join(name);
    let app = App::new("/app".into(), Vec::new()).with(&Overlay::from([(file.clone(), text.into())]));
    let model = Model::new(&app);
    let values = Values::new();
    let mut builder = Builder::new(&model, &values);
    make(&mut builder).unwrap();
    let proposal = builder.finish().unwrap();
    proposal.edits[&file].apply(text).unwrap()
}

/// Sets `on: true` on the first queue of a program.
fn set_on(text: &str) -> String {
    let program = format!("import {{ Queue }} from 'aws-cdk-lib/aws-sqs';\n{text}");
    let result = edited("a.ts", &program, |builder| {
        let site = first_queue(builder.model);
        builder.set_prop(&site, "on", "true")
    });
    result.split_once('\n').unwrap().1.to_owned()
}

fn first_queue<'a>(model: &Model<'a>) -> Site<'a> {
    model.all_sites().find(|site| site.class == "aws_sqs.Queue").unwrap()
}

#[test]
fn a_property_is_set_in_every_form_of_props() {
    for (before, after) in [
        // No props at all, an empty object, one line with and without a trailing comma.
        ("new Queue(this, 'Q');", "new Queue(this, 'Q', { on: true });"),
        ("new Queue(this, 'Q', {});", "new Queue(this, 'Q', { on: true });"),
        ("new Queue(this, 'Q', { a: 1 });", "new Queue(this, 'Q', { a: 1, on: true });"),
        ("new Queue(this, 'Q', { a: 1, });", "new Queue(this, 'Q', { a: 1, on: true, });"),
        // Several lines: the trailing comma is followed, comments stay where they are.
        ("new Queue(this, 'Q', {\n  a: 1,\n});", "new Queue(this, 'Q', {\n  a: 1,\n  on: true,\n});"),
        ("new Queue(this, 'Q', {\n  a: 1\n});", "new Queue(this, 'Q', {\n  a: 1,\n  on: true\n});"),
        (
            "new Queue(this, 'Q', {\n  a: 1, // keep\n});",
            "new Queue(this, 'Q', {\n  a: 1, // keep\n  on: true,\n});",
        ),
        (
            "new Queue(this, 'Q', {\n  a: 1 // keep\n});",
            "new Queue(this, 'Q', {\n  a: 1, // keep\n  on: true\n});",
        ),
        (
            "new Queue(this, 'Q', {\n  a: 1,\n  // b: 2,\n});",
            "new Queue(this, 'Q', {\n  a: 1,\n  on: true,\n  // b: 2,\n});",
        ),
        (
            "new Queue(this, 'Q', {\n  // nothing yet\n});",
            "new Queue(this, 'Q', {\n  // nothing yet\n  on: true,\n});",
        ),
        // The property is there: its value is replaced, however its key is written.
        ("new Queue(this, 'Q', { on: false });", "new Queue(this, 'Q', { on: true });"),
        ("new Queue(this, 'Q', { 'on': false });", "new Queue(this, 'Q', { 'on': true });"),
        ("new Queue(this, 'Q', { ['on']: false });", "new Queue(this, 'Q', { ['on']: true });"),
        (
            "const on = f();\nnew Queue(this, 'Q', { on });",
            "const on = f();\nnew Queue(this, 'Q', { on: true });",
        ),
        // Props in a variable of its own, and in one that serves others.
        (
            "const p = { a: 1 };\nnew Queue(this, 'Q', p);",
            "const p = { a: 1, on: true };\nnew Queue(this, 'Q', p);",
        ),
        (
            "const p = { a: 1 };\nnew Queue(this, 'Q', p);\nnew Queue(this, 'R', p);",
            "const p = { a: 1 };\nnew Queue(this, 'Q', { ...p, on: true });\nnew Queue(this, 'R', p);",
        ),
        // Assertions and spreads.
        ("new Queue(this, 'Q', { a: 1 } as Props);", "new Queue(this, 'Q', { a: 1, on: true } as Props);"),
        ("new Queue(this, 'Q', { ...common });", "new Queue(this, 'Q', { ...common, on: true });"),
        (
            "new Queue(this, 'Q', { a() { return 1; } });",
            "new Queue(this, 'Q', { a() { return 1; }, on: true });",
        ),
        // A comment in every gap.
        (
            "new Queue(/* s */ this, /* i */ 'Q', /* p */ { /* a */ a: 1 /* z */ } /* e */);",
            "new Queue(/* s */ this, /* i */ 'Q', /* p */ {\n  /* a */ a: 1, /* z */\n  on: true,\n} /* e */);",
        ),
    ] {
        assert_eq!(set_on(before), after, "{before}");
    }
}

#[test]
fn a_line_that_grows_too_long_is_broken() {
    let before = "new Queue(this, 'Q', { first: 'a rather long value of some kind', second: 'another rather long one' });";
    let after = "new Queue(this, 'Q', {\n  first: 'a rather long value of some kind',\n  second: 'another rather long one',\n  on: true,\n});";
    assert_eq!(set_on(before), after);
}

#[test]
fn entries_are_removed_with_their_line_or_comma() {
    let remove = |text: &str| {
        edited("a.ts", &format!("import {{ Queue }} from 'aws-cdk-lib/aws-sqs';\n{text}"), |builder| {
            let site = first_queue(builder.model);
            let entry = site.props(builder.model).get(builder.model, "gone").present().unwrap().entry;
            builder.remove_entry(entry);
            Ok(())
        })
        .split_once('\n')
        .unwrap()
        .1
        .to_owned()
    };
    for (before, after) in [
        ("new Queue(this, 'Q', { gone: 1, a: 2 });", "new Queue(this, 'Q', { a: 2 });"),
        ("new Queue(this, 'Q', { a: 2, gone: 1 });", "new Queue(this, 'Q', { a: 2 });"),
        ("new Queue(this, 'Q', {\n  gone: 1,\n  a: 2,\n});", "new Queue(this, 'Q', {\n  a: 2,\n});"),
        ("new Queue(this, 'Q', {\n  a: 2,\n  gone: 1,\n});", "new Queue(this, 'Q', {\n  a: 2,\n});"),
    ] {
        assert_eq!(remove(before), after, "{before}");
    }
}

#[test]
fn statements_keep_their_distance() {
    let program = |body: &str| {
        format!(
            "import {{ Queue }} from 'aws-cdk-lib/aws-sqs';\nclass S {{\n  constructor() {{\n{body}  }}\n}}\n"
        )
    };
    let around = |body: &str, code: &'static str, after: bool| {
        edited("a.ts", &program(body), |builder| {
            let site = first_queue(builder.model);
            let statement = builder.statement(site.node)?;
            if after {
                builder.insert_after(statement, code);
            } else {
                builder.insert_before(statement, code);
            }
            Ok(())
        })
    };
    let queue = "    new Queue(this, 'Q');\n";
    assert_eq!(around(queue, "one();", false), program(&format!("    one();\n{queue}")));
    assert_eq!(
        around(queue, "one();\ntwo();", false),
        program(&format!("    one();\n    two();\n\n{queue}"))
    );
    assert_eq!(
        around(&format!("    zero();\n{queue}"), "one();\ntwo();", false),
        program(&format!("    zero();\n\n    one();\n    two();\n\n{queue}"))
    );
    let commented = format!("    zero();\n\n    // about the queue\n{queue}");
    assert_eq!(
        around(&commented, "one();", false),
        program(&format!("    zero();\n\n    one();\n\n    // about the queue\n{queue}"))
    );
    assert_eq!(around(queue, "one();", true), program(&format!("{queue}    one();\n")));
    assert_eq!(
        around("    new Queue(this, 'Q'); // mine\n    last();\n", "one();\ntwo();", true),
        program("    new Queue(this, 'Q'); // mine\n\n    one();\n    two();\n\n    last();\n")
    );
}

#[test]
fn names_are_imported_in_the_files_own_style() {
    let name = |imports: &str, wanted: &'static str| {
        let program = format!("{imports}\nf(1);\n");
        let result = edited("a.ts", &program, |builder| {
            let file = builder.model.cdk_files().next().unwrap();
            let call = wa_fix::syntax::Syn::root(file).children().last().unwrap();
            let text = builder.cdk(call, wanted)?;
            builder.replace(call, &format!("f({text});"));
            Ok(())
        });
        result.trim_end().to_owned()
    };
    for (imports, wanted, after) in [
        (
            "import * as s3 from 'aws-cdk-lib/aws-s3';",
            "aws_sqs.Queue",
            "import * as s3 from 'aws-cdk-lib/aws-s3';\nimport * as sqs from 'aws-cdk-lib/aws-sqs';\nf(sqs.Queue);",
        ),
        (
            "import { Bucket } from 'aws-cdk-lib/aws-s3';",
            "aws_sqs.Queue",
            "import { Bucket } from 'aws-cdk-lib/aws-s3';\nimport { Queue } from 'aws-cdk-lib/aws-sqs';\nf(Queue);",
        ),
        (
            "import { Bucket } from 'aws-cdk-lib/aws-s3';",
            "aws_s3.BucketEncryption.KMS",
            "import { Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';\nf(BucketEncryption.KMS);",
        ),
        (
            "import * as kms from 'aws-cdk-lib/aws-kms';\nimport { Bucket } from 'aws-cdk-lib/aws-s3';\nimport * as sns from 'aws-cdk-lib/aws-sns';",
            "aws_s3.BucketEncryption.KMS",
            "import * as kms from 'aws-cdk-lib/aws-kms';\nimport { Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';\nimport * as sns from 'aws-cdk-lib/aws-sns';\nf(BucketEncryption.KMS);",
        ),
        (
            "import { Stack, aws_s3 as s3 } from 'aws-cdk-lib';",
            "aws_sqs.Queue",
            "import { Stack, aws_s3 as s3, aws_sqs as sqs } from 'aws-cdk-lib';\nf(sqs.Queue);",
        ),
        (
            "import * as cdk from 'aws-cdk-lib';",
            "Duration",
            "import * as cdk from 'aws-cdk-lib';\nf(cdk.Duration);",
        ),
        (
            "import * as cdk from 'aws-cdk-lib';\nnew cdk.aws_s3.Bucket(x, 'B');",
            "aws_sqs.Queue",
            "import * as cdk from 'aws-cdk-lib';\nnew cdk.aws_s3.Bucket(x, 'B');\nf(cdk.aws_sqs.Queue);",
        ),
        (
            "import {\n  Duration,\n  Stack,\n} from 'aws-cdk-lib';",
            "RemovalPolicy",
            "import {\n  Duration,\n  RemovalPolicy,\n  Stack,\n} from 'aws-cdk-lib';\nf(RemovalPolicy);",
        ),
        (
            "const cdk = require('aws-cdk-lib');\nconst s3 = require('aws-cdk-lib/aws-s3');",
            "aws_sqs.Queue",
            "const cdk = require('aws-cdk-lib');\nconst s3 = require('aws-cdk-lib/aws-s3');\nconst sqs = require('aws-cdk-lib/aws-sqs');\nf(sqs.Queue);",
        ),
        // The usual name is taken: another is found.
        (
            "import * as s3 from 'aws-cdk-lib/aws-s3';\nconst sqs = 1;",
            "aws_sqs.Queue",
            "import * as s3 from 'aws-cdk-lib/aws-s3';\nimport * as aws_sqs from 'aws-cdk-lib/aws-sqs';\nconst sqs = 1;\nf(aws_sqs.Queue);",
        ),
    ] {
        assert_eq!(name(imports, wanted), after, "{imports}");
    }
}

#[test]
fn json_keeps_its_form() {
    let set = |text: &str, keys: &'static [&'static str], value: &'static str| {
        edited("package.json", text, |builder| {
            let file = builder.model.app.files[0].parsed().unwrap();
            builder.set_json(file, keys, value)
        })
    };
    assert_eq!(
        set(
            "{\n  \"devDependencies\": {\n    \"a\": \"1\",\n    \"z\": \"1\"\n  }\n}\n",
            &["devDependencies", "m"],
            "\"2\""
        ),
        "{\n  \"devDependencies\": {\n    \"a\": \"1\",\n    \"m\": \"2\",\n    \"z\": \"1\"\n  }\n}\n"
    );
    assert_eq!(
        set("{\n\t\"a\": 1\n}\n", &["b", "c"], "true"),
        "{\n\t\"a\": 1,\n\t\"b\": {\n\t\t\"c\": true\n\t}\n}\n"
    );
    assert_eq!(set("{\"a\":1}", &["a"], "2"), "{\"a\":2}");
    assert_eq!(set("{}", &["a"], "2"), "{ \"a\": 2 }");
}

/// Puts `'new'` behind (or before) the element `'b'` of the program's array.
fn add_element(text: &str, behind: bool) -> String {
    edited("a.ts", text, |builder| {
        let file = builder.model.app.files[0].parsed().unwrap();
        let at = text.find("'b'").unwrap();
        let element = wa_fix::syntax::Syn::root(file).named_at(at..at + 3).unwrap();
        let element = if element.is("string") { element } else { element.parent().unwrap() };
        if behind {
            builder.insert_element_after(element, "'new'");
        } else {
            builder.insert_element_before(element, "'new'");
        }
        Ok(())
    })
}

#[test]
fn elements_go_beside_others_in_every_form_of_array() {
    let long = "'a long command that fills a line, or nearly so, with words'";
    for (before, behind, ahead) in [
        ("f(['a', 'b']);\n", "f(['a', 'b', 'new']);\n", "f(['a', 'new', 'b']);\n"),
        (
            "f([\n  'a',\n  'b',\n]);\n",
            "f([\n  'a',\n  'b',\n  'new',\n]);\n",
            "f([\n  'a',\n  'new',\n  'b',\n]);\n",
        ),
        (
            "f([\n  'b' // keep\n]);\n",
            "f([\n  'b', // keep\n  'new'\n]);\n",
            "f([\n  'new',\n  'b' // keep\n]);\n",
        ),
    ] {
        assert_eq!(add_element(before, true), behind);
        assert_eq!(add_element(before, false), ahead);
    }
    // A line that gets too long is broken: the array, and an object on one line around it.
    assert_eq!(
        add_element(&format!("f([{long}, 'b', 'c', 'd']);\n"), true),
        format!("f([\n  {long},\n  'b',\n  'new',\n  'c',\n  'd',\n]);\n")
    );
    assert_eq!(
        add_element(&format!("f({{ x: [{long}, 'b'] }});\n"), false),
        format!("f({{\n  x: [{long}, 'new', 'b'],\n}});\n")
    );
}
