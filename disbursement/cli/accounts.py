"""`disburse accounts`: the account drive, and the names that accounts stand in."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from disbursement.cli import common
from disbursement.cli.common import As, Json
from disbursement.cli.tables import show

app = typer.Typer(
    no_args_is_help=True, help="Tài khoản an sinh: phễu, đề nghị mở, nhận kết quả, đối chiếu tên."
)
names = typer.Typer(no_args_is_help=True, help="Đối chiếu tên chủ tài khoản: hàng chờ, quyết định.")
app.add_typer(names, name="names")

Payers = Annotated[list[str] | None, typer.Option("--payer", help="Mã xã; bỏ trống = tất cả.")]
Payer = Annotated[str, typer.Option("--payer", help="Chỉ một xã (mã 5 số); trống: cả tỉnh.")]
Document = Annotated[str, typer.Option("--document", help="Số, ngày văn bản làm căn cứ.")]
Number = Annotated[int, typer.Argument(min=1, max=common.LARGEST, help="Số của đề nghị.")]
Check = Annotated[int, typer.Argument(min=1, max=common.LARGEST, help="Số ở `names list`.")]
Out = Annotated[Path, typer.Option("--out", help="Thư mục ghi tệp.")]
_STATES = {"made": "chờ chữ ký thứ hai", "signed": "đã ký"}
_HEADS = ("Xã", "Trong sổ", "Có tài khoản", "Đúng tên", "Đồng ý", "Đã chi qua", "Đã vào")


@app.command()
@common.command
def funnel(payer: Payers = None, as_json: Json = False) -> None:
    """Phễu tài khoản từng xã: đến bước nào bao nhiêu người, ai chưa đến và vì sao."""
    from disbursement.documents.words import reason_words  # noqa: PLC0415 - commands start fast
    from disbursement.payments.account_funnel import REASONS_VI  # noqa: PLC0415 - as above
    from disbursement.payments.account_funnel import funnel as read  # noqa: PLC0415 - as above

    ctx = common.context()
    common.known_payers(ctx, payer)
    found = read(ctx, payers=payer or ())
    if as_json:
        common.emit([asdict(f) for f in found])
        return
    if not found:
        typer.echo("Chưa có ai trong danh sách.")
        return
    rows = [[f"{f.payer} {f.name}", *map(str, f.steps.values())] for f in found]
    sums = [str(sum(f.steps[s] for f in found)) for s in found[0].steps]
    show(_HEADS, rows, total=["Cộng", *sums])
    for f in found:
        for reasons in f.reasons.values():
            for reason, count in reasons.items():
                said = REASONS_VI.get(reason) or reason_words(reason)
                typer.echo(f"  {f.payer}: {count} người – {said}")


@app.command()
@common.command
def request(
    provider: Annotated[str, typer.Argument(metavar="PROVIDER", help="Mã tổ chức chi trả.")],
    user: As,
    payer: Payers = None,
    profile: Annotated[
        str, typer.Option("--profile", help="Mẫu của tổ chức chi trả.")
    ] = "account-drive-1",
    as_json: Json = False,
) -> None:
    """Lập đề nghị mở tài khoản cho người chưa có; ghi ra tệp khi người thứ hai đã ký."""
    from disbursement.beneficiaries import accounts  # noqa: PLC0415 - commands start fast

    made = accounts.request(
        common.context(), provider, actor=user, payers=payer or (), profile=profile
    )
    if as_json:
        common.emit(asdict(made))
        return
    typer.echo(
        f"Đã lập đề nghị số {made.id}: {made.people} người; chờ người thứ hai ký: `disburse "
        f"accounts sign {made.id}`."
    )


@app.command()
@common.command
def sign(number: Number, user: As, out: Out = Path(), as_json: Json = False) -> None:
    """Ký đề nghị (người thứ hai) và ghi tệp gửi tổ chức chi trả."""
    from disbursement.beneficiaries import accounts  # noqa: PLC0415 - commands start fast

    found, path = accounts.sign(common.context(), number, actor=user, out=out)
    if as_json:
        common.emit({**asdict(found), "file": path})
    else:
        typer.echo(f"Đã ký đề nghị số {number}, {found.people} người: {path}")


@app.command()
@common.command
def write(number: Number, out: Out = Path(), as_json: Json = False) -> None:
    """Ghi lại tệp của một đề nghị đã ký."""
    from disbursement.beneficiaries import accounts  # noqa: PLC0415 - commands start fast

    path = accounts.write(common.context(), number, out=out)
    if as_json:
        common.emit({"id": number, "file": path})
    else:
        typer.echo(f"Đã ghi: {path}")


@app.command("requests")
@common.command
def requests_(as_json: Json = False) -> None:
    """Liệt kê các đề nghị và kết quả của chúng."""
    from disbursement.beneficiaries import accounts  # noqa: PLC0415 - commands start fast

    found = accounts.requests(common.context())
    if as_json:
        common.emit([asdict(r) for r in found])
        return
    for r in found:
        typer.echo(
            f"{r.id:4d}  {r.provider}  {_STATES[r.state]}  {r.people} người: mở {r.issued}, từ "
            f"chối {r.refused}, đến quầy {r.counter}, cần giám hộ {r.guardian}, chờ {r.asked}"
        )
    if not found:
        typer.echo("Chưa có đề nghị nào.")


@app.command("import")
@common.command
def import_(
    file: Annotated[Path, typer.Argument(help="Tệp kết quả (XLSX hoặc CSV).")],
    number: Annotated[
        int,
        typer.Option("--request", min=1, max=common.LARGEST, help="Số của đề nghị được trả lời."),
    ],
    user: As,
    as_json: Json = False,
) -> None:
    """Nhận kết quả mở tài khoản: nhận cả tệp hoặc không nhận gì; đối chiếu tên ngay."""
    from disbursement.beneficiaries import accounts  # noqa: PLC0415 - commands start fast

    done = accounts.import_answer(common.context(), file, number=number, actor=user)
    if as_json:
        common.emit(asdict(done))
        return
    typer.echo(
        f"Đã nhận {done.rows} dòng của đề nghị số {number}: mở {done.issued}, từ chối "
        f"{done.refused}, đến quầy {done.counter}, cần giám hộ {done.guardian}."
    )
    if done.names_pending:
        typer.echo(
            f"{done.names_pending} tên chủ tài khoản chờ quyết định: `disburse accounts names "
            "list`; chưa chi vào các tài khoản này."
        )


@app.command()
@common.command
def consents(
    file: Annotated[Path, typer.Argument(help="Tệp sự đồng ý (XLSX hoặc CSV).")],
    user: As,
    as_json: Json = False,
) -> None:
    """Nhận sự đồng ý của nhiều người một lần: nhận cả tệp hoặc không nhận gì."""
    from disbursement.beneficiaries.consents import import_consents  # noqa: PLC0415 - starts fast

    done = import_consents(common.context(), file, actor=user)
    if as_json:
        common.emit(done)
        return
    typer.echo(f"Đã ghi sự đồng ý của {done['rows']} người, {done['payers']} đơn vị.")


@names.command("list")
@common.command
def list_(
    payer: Payer = "",
    every: Annotated[bool, typer.Option("--all", help="Cả những tên đã quyết định.")] = False,
    as_json: Json = False,
) -> None:
    """Liệt kê tên chờ quyết định, điểm khớp và lý do."""
    from disbursement.beneficiaries import names as service  # noqa: PLC0415 - commands start fast

    ctx = common.context()
    common.known_payers(ctx, payer or None)
    found = service.queue(ctx, payer=payer, state="" if every else "pending")
    if as_json:
        common.emit([asdict(r) for r in found])
        return
    for r in found:
        state = "" if r.state == "pending" else f" [{r.state}]"
        typer.echo(
            f"{r.id:5d}  {r.payer}  {r.reference}  {r.ours} | {r.theirs}  {r.score}/"
            f"{r.threshold}: {r.why_vi}{state}"
        )
    if not found:
        typer.echo("Không có tên nào chờ quyết định.")


@names.command("import")
@common.command
def import_names(
    file: Annotated[Path, typer.Argument(help="Tệp tên chủ tài khoản (XLSX hoặc CSV).")],
    provider: Annotated[str, typer.Option("--provider", help="Tổ chức chi trả đã trả lời.")],
    user: As,
    as_json: Json = False,
) -> None:
    """Nhận tên chủ tài khoản do tổ chức chi trả trả lời và đối chiếu từng người."""
    from disbursement.beneficiaries import names as service  # noqa: PLC0415 - commands start fast

    done = service.import_answers(common.context(), file, provider=provider, actor=user)
    if as_json:
        common.emit(done)
        return
    typer.echo(
        f"Đã đối chiếu {done['rows']} tên: {done['accepted']} khớp, {done['pending']} chờ quyết "
        "định."
    )


@names.command("ask")
@common.command
def ask_names(
    provider: Annotated[str, typer.Argument(metavar="PROVIDER", help="Mã tổ chức chi trả.")],
    user: As,
    payer: Payers = None,
    most: Annotated[int, typer.Option("--most", min=1, help="Hỏi nhiều nhất bao nhiêu.")] = 1_000,
    as_json: Json = False,
) -> None:
    """Hỏi ví, nhà mạng tên chủ những tài khoản chưa đối chiếu; tên chưa khớp vào hàng chờ."""
    from disbursement.jobs.name_questions import ask_names as ask  # noqa: PLC0415 - starts fast

    ctx = common.context()
    common.known_payers(ctx, payer)
    done = ask(ctx, provider, actor=user, payers=payer or (), most=most)
    if as_json:
        common.emit(asdict(done))
        return
    typer.echo(
        f"Đã hỏi {done.asked} tài khoản: {done.accepted} khớp, {done.pending} chờ quyết định, "
        f"{done.unanswered} chưa có trả lời; còn {done.left} chưa hỏi."
    )


@names.command()
@common.command
def accept(number: Check, document: Document, user: As, as_json: Json = False) -> None:
    """Chấp nhận một tên, theo văn bản."""
    _decide(number, document, user, accept=True, as_json=as_json)


@names.command()
@common.command
def refuse(number: Check, document: Document, user: As, as_json: Json = False) -> None:
    """Không chấp nhận một tên, theo văn bản; không chi vào tài khoản này."""
    _decide(number, document, user, accept=False, as_json=as_json)


def _decide(number: int, document: str, user: str, *, accept: bool, as_json: bool) -> None:
    from disbursement.beneficiaries import names as service  # noqa: PLC0415 - commands start fast

    row = service.decide(common.context(), number, accept=accept, document=document, actor=user)
    if as_json:
        common.emit(asdict(row))
        return
    said = "Đã chấp nhận" if accept else "Không chấp nhận"
    typer.echo(f"{said} tên của {row.reference}, theo: {row.document}.")


@names.command()
@common.command
def threshold(
    value: Annotated[int | None, typer.Argument(help="Điểm, 70 đến 100; trống: xem.")] = None,
    payer: Payer = "",
    document: Annotated[str, typer.Option("--document", help="Số, ngày văn bản.")] = "",
    user: Annotated[str, typer.Option("--as", help="Người thực hiện (tên đăng nhập).")] = "",
    as_json: Json = False,
) -> None:
    """Xem hoặc đặt ngưỡng: từ điểm này máy nhận tên, dưới đó chờ người quyết định."""
    from disbursement.beneficiaries import names as service  # noqa: PLC0415 - commands start fast

    ctx = common.context()
    if value is not None:
        service.set_threshold(ctx, value, payer=payer, document=document, actor=user)
    with ctx.cell.read() as conn:
        usual, own = service.thresholds(conn)
    if as_json:
        common.emit({"cell": usual, "payers": own})
        return
    typer.echo(f"Ngưỡng khớp tên: {usual}")
    for code, limit in own.items():
        typer.echo(f"  {code}: {limit}")
