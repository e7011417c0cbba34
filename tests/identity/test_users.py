from __future__ import annotations

import dataclasses
import threading

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from sqlalchemy import text

from disbursement.identity import service
from disbursement.platform.context import Context
from disbursement.platform.errors import DisburseError, NotAllowedError, RefusedError
from tests.identity.shared_context import context

SECRET = "một mật khẩu dài"
IDENTITY = "001080000017"


def add(ctx: Context, username: str = "an", identity: str = IDENTITY, **changes: object):
    given = {
        "full_name": "Nguyễn Văn An",
        "roles": ["preparer", "checker:25207"],
        "passphrase": SECRET,
        **changes,
    }
    return service.create_user(ctx, username, identity=identity, **given)


def count(ctx: Context, table: str) -> int:
    with service.read_shared(ctx) as conn:
        return conn.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()


def refused(code: str, call, *args, **kwargs) -> str:
    with pytest.raises(DisburseError) as caught:
        call(*args, **kwargs)
    assert caught.value.code == code
    return caught.value.sentence


def test_a_user_signs_with_the_key_in_the_file(ctx: Context) -> None:
    made = add(ctx)
    signer = service.unlock(ctx, "an", SECRET)
    assert (signer.user_id, signer.person_id, signer.username) == (made.id, made.person_id, "an")
    signature = signer.sign(b"statement")
    Ed25519PublicKey.from_public_bytes(made.public_key).verify(signature, b"statement")
    assert len(signature) == 64
    path = service.key_path(ctx, "an")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    with pytest.raises(TypeError):
        load_pem_private_key(path.read_bytes(), None)
    assert service.user(ctx, "an") == made
    assert service.has_users(ctx)
    assert "key" not in repr(signer)


def test_the_identity_number_is_not_stored_readable(ctx: Context) -> None:
    made = add(ctx)
    with service.read_shared(ctx) as conn:
        row = conn.execute(text("SELECT * FROM staff_person")).one()
    assert IDENTITY.encode() not in b"|".join(str(v).encode() for v in row)
    assert IDENTITY.encode() not in bytes(row.identity_enc)
    stored = ctx.keys.decrypt("staff_person.identity_enc", made.person_id, bytes(row.identity_enc))
    assert stored == IDENTITY


def test_two_log_ins_of_one_human_are_one_person(ctx: Context) -> None:
    first, second = add(ctx), add(ctx, "an2", full_name="NGUYỄN VĂN AN", roles=["first_signer"])
    other = add(ctx, "binh", "001080000018", full_name="Trần Thị Bình")
    assert first.person_id == second.person_id != other.person_id
    assert first.id != second.id
    assert count(ctx, "staff_person") == 2


def test_the_same_number_under_another_name_is_refused(ctx: Context) -> None:
    add(ctx)
    sentence = refused("person_name", add, ctx, "an2", full_name="Lê Thị Hoa")
    assert IDENTITY not in sentence
    assert "An" not in sentence
    assert count(ctx, "app_user") == 1
    assert not service.key_path(ctx, "an2").exists()


def test_a_decomposed_name_is_the_same_name(ctx: Context) -> None:
    add(ctx)
    again = add(ctx, "an2", full_name="Nguyễn  Văn An")
    assert again.full_name == "Nguyễn Văn An"
    assert count(ctx, "staff_person") == 1


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("username", {"username": "../an"}),
        ("username", {"username": "An"}),
        ("username", {"username": "a" * 33}),
        ("username", {"username": "an\n"}),
        ("identity", {"identity": "01080000017"}),
        ("identity", {"identity": "00108000001７"}),
        ("identity", {"identity": "123456789"}),
        ("full_name", {"full_name": "  "}),
        ("full_name", {"full_name": "An\x00"}),
        ("role", {"roles": []}),
        ("role", {"roles": ["boss"]}),
        ("role", {"roles": ["preparer:"]}),
        ("role", {"roles": ["preparer:25207 OR 1=1"]}),
        ("passphrase_short", {"passphrase": "ngắn"}),
        ("demo_key", {"demo": True}),
    ],
)
def test_bad_input_enters_nobody(ctx: Context, code: str, changes: dict[str, object]) -> None:
    sentence = refused(code, add, ctx, **changes)
    assert IDENTITY not in sentence
    assert count(ctx, "app_user") == count(ctx, "staff_person") == 0
    assert not list((ctx.settings.home / "keys").glob("users/*"))


def test_a_taken_username_keeps_its_key(ctx: Context) -> None:
    add(ctx)
    before = service.key_path(ctx, "an").read_bytes()
    refused("username_taken", add, ctx, "an", "001080000018", full_name="Trần Thị Bình")
    assert service.key_path(ctx, "an").read_bytes() == before
    assert count(ctx, "staff_person") == 1


def test_an_interrupted_call_is_finished_by_calling_again(ctx: Context, monkeypatch) -> None:
    def torn(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(service, "_record", torn)
    with pytest.raises(KeyboardInterrupt):
        add(ctx)
    monkeypatch.undo()
    assert count(ctx, "app_user") == 0
    assert not service.key_path(ctx, "an").exists()
    # Killed between the key file and the commit: the file is there, the row is not.
    service.keys.write_key(service.key_path(ctx, "an"), service.keys.new_key(), SECRET)
    refused("key_exists", add, ctx, passphrase="một mật khẩu khác")
    made = add(ctx)
    Ed25519PublicKey.from_public_bytes(made.public_key).verify(
        service.unlock(ctx, "an", SECRET).sign(b"x"), b"x"
    )


def test_two_calls_for_one_username_make_one_user(ctx: Context) -> None:
    results: list[object] = []
    barrier = threading.Barrier(2)

    def call(identity: str) -> None:
        barrier.wait()
        try:
            results.append(add(ctx, "an", identity))
        except DisburseError as error:
            results.append(error.code)

    threads = [threading.Thread(target=call, args=(f"00108000002{n}",)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = [r for r in results if isinstance(r, service.User)]
    assert len(made) == 1
    assert [r for r in results if not isinstance(r, service.User)] <= ["username_taken"] * 1
    assert service.unlock(ctx, "an", SECRET).user_id == made[0].id


def test_wrong_passphrase_signs_nothing(ctx: Context) -> None:
    add(ctx)
    for wrong in ("", "sai", SECRET + " ", "\0", "x" * 5000):
        sentence = refused("passphrase", service.unlock, ctx, "an", wrong)
        assert sentence == "Mật khẩu khóa ký của an không đúng: chưa có gì được ký."


def test_a_key_file_that_is_wrong_is_refused(ctx: Context) -> None:
    add(ctx)
    add(ctx, "binh", "001080000018", full_name="Trần Thị Bình")
    path = service.key_path(ctx, "an")
    good = path.read_bytes()
    path.write_bytes(service.key_path(ctx, "binh").read_bytes())
    refused("key_changed", service.unlock, ctx, "an", SECRET)
    path.write_bytes(good[:-40])
    refused("passphrase", service.unlock, ctx, "an", SECRET)
    path.write_bytes(good)
    path.chmod(0o640)
    refused("key_file_open", service.unlock, ctx, "an", SECRET)
    path.unlink()
    refused("key_missing", service.unlock, ctx, "an", SECRET)


def test_roles_are_scoped_and_read_again(ctx: Context) -> None:
    who = add(ctx)
    with service.read_shared(ctx) as conn:
        service.require(conn, who, "preparer", "25207")
        service.require(conn, who, "preparer", "*")
        service.require(conn, who, "checker", "25207")
    for role, payer in (("checker", "25208"), ("checker", "*"), ("first_signer", "25207")):
        with service.read_shared(ctx) as conn, pytest.raises(NotAllowedError) as caught:
            service.require(conn, who, role, payer)
        assert caught.value.code == "role"
    service.set_roles(ctx, "an", ["auditor:25207"], actor="root")
    with service.read_shared(ctx) as conn, pytest.raises(NotAllowedError):
        service.require(conn, who, "preparer", "25207")  # the object in hand is stale
    assert service.user(ctx, "an").may_read() == {"25207"}


def test_a_stopped_user_can_do_nothing(ctx: Context) -> None:
    who = add(ctx)
    service.disable_user(ctx, "an", actor="root")
    refused("user_stopped", service.user, ctx, "an")
    refused("user_stopped", service.unlock, ctx, "an", SECRET)
    with service.read_shared(ctx) as conn, pytest.raises(NotAllowedError):
        service.require(conn, who, "preparer", "25207")
    assert [(u.username, u.active) for u in service.users(ctx)] == [("an", False)]


def test_desk_and_administrator_read_no_payments(ctx: Context) -> None:
    assert add(ctx, roles=["cash_desk", "administrator"]).may_read() == set()


def test_what_was_done_to_log_ins_is_recorded(ctx: Context) -> None:
    add(ctx, actor="root")
    service.set_roles(ctx, "an", ["auditor"], actor="root")
    service.disable_user(ctx, "an", actor="root")
    with service.read_shared(ctx) as conn:
        rows = conn.execute(
            text("SELECT actor, action, subject, detail FROM staff_event ORDER BY id")
        ).all()
    assert [tuple(r) for r in rows] == [
        ("root", "user_created", "an", "checker:25207, preparer:*"),
        ("root", "roles_set", "an", "auditor:*"),
        ("root", "user_stopped", "an", ""),
    ]


def test_a_demo_key_works_in_a_demo_only(ctx: Context) -> None:
    url = ctx.database.url and ctx.database.url.render_as_string(hide_password=False)
    demo = dataclasses.replace(ctx, settings=context(ctx.settings.home, url, env="demo").settings)
    add(demo, demo=True)
    assert service.unlock(demo, "an", SECRET).username == "an"
    refused("demo_key", service.unlock, ctx, "an", SECRET)


def test_before_init_there_is_one_clear_sentence(tmp_path) -> None:
    fresh = context(tmp_path, None)
    assert refused("no_shared", service.users, fresh) == (
        "Chưa có dữ liệu ở đây; hãy chạy `disburse init`."
    )
    assert issubclass(RefusedError, DisburseError)
