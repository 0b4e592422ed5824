"""Pure: the words of every problem: status, title and what to do, in English and Chinese."""

from __future__ import annotations

from typing import NamedTuple

from services.intake.problem_names import Name


class Text(NamedTuple):
    """title: what is wrong; todo: what to do."""

    title: str
    todo: str


class Row(NamedTuple):
    """One row of TABLE."""

    status: int
    en: Text
    zh: Text


def _row(status: int, en: tuple[str, str], zh: tuple[str, str]) -> Row:
    return Row(status, Text(*en), Text(*zh))


TABLE: dict[Name, Row] = {
    Name.TOKEN_MISSING: _row(
        401,
        ("No access token", "Send `Authorization: Bearer <token>`."),
        ("缺少访问令牌", "请发送 `Authorization: Bearer <令牌>`。"),
    ),
    Name.TOKEN_INVALID: _row(
        401,
        ("The access token is not valid", "Use a token signed by your operator's registered key, for realname-intake."),
        ("访问令牌无效", "请使用贵运营商已登记密钥为 realname-intake 签发的令牌。"),
    ),
    Name.TOKEN_EXPIRED: _row(
        401, ("The access token has expired", "Fetch a new token and repeat."), ("访问令牌已过期", "请获取新令牌后重试。")
    ),
    Name.STORE_NOT_ALLOWED: _row(
        403,
        ("This token does not speak for that store", "Use the store's own token, or correct `store`."),
        ("该令牌无权代表此门店", "请使用该门店的令牌，或更正 `store`。"),
    ),
    Name.REGISTRATION_UNKNOWN: _row(
        404, ("No such registration", "Check the id that the 202 answer gave."), ("没有此登记", "请核对 202 应答中的编号。")
    ),
    Name.ROUTE_UNKNOWN: _row(404, ("No such address", "See /docs for all of them."), ("没有此地址", "全部地址见 /docs。")),
    Name.METHOD_NOT_ALLOWED: _row(405, ("Wrong method", "See /docs."), ("请求方法不对", "见 /docs。")),
    Name.BODY_MALFORMED: _row(
        400,
        ("The body does not parse", "Send well-formed JSON, or multipart/form-data as /docs shows."),
        ("请求体无法解析", "请按 /docs 发送格式正确的 JSON 或 multipart/form-data。"),
    ),
    Name.BODY_INCOMPLETE: _row(
        400, ("The body ended early", "Send the same request again."), ("请求体不完整", "请原样重发该请求。")
    ),
    Name.BODY_TOO_SLOW: _row(
        408, ("The body took too long", "Send the same request again on a better line."), ("上传过慢", "请在网络较好时原样重发。")
    ),
    Name.BODY_TOO_LARGE: _row(
        413,
        ("The body is too large", "Record a shorter clip or a smaller portrait; /docs names the limits."),
        ("请求体过大", "请录制较短的视频或使用较小的照片；限额见 /docs。"),
    ),
    Name.MEDIA_TYPE_UNSUPPORTED: _row(
        415,
        ("Unsupported content type", "Send the content type that /docs names."),
        ("内容类型不支持", "请使用 /docs 所列类型。"),
    ),
    Name.PART_UNKNOWN: _row(
        422, ("An unknown part", "Leave out the part that `field` names."), ("未知的部分", "请去掉 `field` 所指的部分。")
    ),
    Name.PART_MISSING: _row(
        422, ("A part is missing", "Add the part that `field` names."), ("缺少部分", "请补上 `field` 所指的部分。")
    ),
    Name.PART_DUPLICATE: _row(
        422, ("A part came twice", "Send the part that `field` names once."), ("部分重复", "`field` 所指的部分只能发送一次。")
    ),
    Name.FIELD_UNKNOWN: _row(
        422, ("An unknown field", "Leave out the field that `field` names."), ("未知字段", "请去掉 `field` 所指的字段。")
    ),
    Name.FIELD_MISSING: _row(
        422, ("A field is missing", "Add the field that `field` names."), ("缺少字段", "请补上 `field` 所指的字段。")
    ),
    Name.FIELD_INVALID: _row(
        422,
        ("A field has a wrong value", "Correct the field that `field` names; /docs says what it may be."),
        ("字段取值不对", "请更正 `field` 所指的字段；取值见 /docs。"),
    ),
    Name.PORTRAIT_NOT_AN_IMAGE: _row(
        422, ("The portrait is not an image", "Send a JPEG, PNG or WebP."), ("证件照不是图片", "请发送 JPEG、PNG 或 WebP。")
    ),
    Name.CLIP_NOT_A_VIDEO: _row(
        422, ("The clip is not a video", "Send MP4 or WebM as recorded."), ("视频文件不是视频", "请发送录制的 MP4 或 WebM。")
    ),
    Name.CONSENT_MISSING: _row(
        422,
        ("The consent is missing", "Ask the customer, record the consent, and send it; or use the `referee` path."),
        ("缺少同意", "请征得客户同意并记录后一并发送；或改走 `referee` 通道。"),
    ),
    Name.CHALLENGE_INVALID: _row(
        422, ("The challenge is not ours", "Send the challenge as it was issued."), ("挑战无效", "请原样发送签发的挑战。")
    ),
    Name.CHALLENGE_MISMATCH: _row(
        422,
        (
            "The challenge was issued for something else",
            "Use it for the store, terminal, path and person that it was issued for.",
        ),
        ("挑战与请求不符", "挑战只能用于签发时的门店、终端、通道和客户。"),
    ),
    Name.CHALLENGE_EXPIRED: _row(
        410, ("The challenge has expired", "Ask for a new challenge and record again."), ("挑战已过期", "请重新获取挑战并录制。")
    ),
    Name.CHALLENGE_WITHOUT_CUES: _row(
        422,
        ("This challenge has no timed cues", "Leave the receipt and the cues out, or ask for a challenge with `cues`."),
        ("该挑战没有定时提示", "请去掉回执和提示步骤，或以 `cues` 重新获取挑战。"),
    ),
    Name.DIGEST_EARLY: _row(
        409,
        ("The last cue is still to come", "Announce the clip once the stream of cues has ended."),
        ("最后一个提示尚未发出", "请在提示流结束后再申报视频摘要。"),
    ),
    Name.DIGEST_LATE: _row(
        410,
        ("The clip was announced too late", "Ask for a new challenge and record again; announce at once after the last cue."),
        ("视频摘要申报过晚", "请重新获取挑战并录制，最后一个提示后立即申报。"),
    ),
    Name.CLIP_START_WRONG: _row(
        422,
        (
            "The recording does not begin where it must",
            "Ask for a new challenge; begin to record after it is issued and before the first cue.",
        ),
        ("录制开始时间不对", "请重新获取挑战，并在其签发之后、第一个提示之前开始录制。"),
    ),
    Name.RECEIPT_MISSING: _row(
        422,
        ("The digest receipt is missing", "Announce the clip's digest after the last cue, and send the receipt for it."),
        ("缺少摘要回执", "请在最后一个提示后申报视频摘要，并一并发送回执。"),
    ),
    Name.RECEIPT_INVALID: _row(
        422,
        ("The digest receipt is not one of this challenge", "Send the receipt as it was given for this challenge."),
        ("摘要回执与挑战不符", "请原样发送该挑战的摘要回执。"),
    ),
    Name.CLIP_NOT_AS_ANNOUNCED: _row(
        422,
        ("The clip is not the one that was announced", "Send the very bytes whose digest was announced, not encoded again."),
        ("视频与申报的摘要不一致", "请发送申报摘要时的原始视频，不要重新编码。"),
    ),
    Name.ID_ALREADY_USED: _row(
        422,
        ("This challenge was used for another request", "Ask for a new challenge; a challenge is good for one recording."),
        ("该挑战已用于另一请求", "请重新获取挑战；一个挑战只用于一次录制。"),
    ),
    Name.REGISTRATION_IN_PROGRESS: _row(
        409,
        ("This registration is being taken in", "Repeat it, or ask for its status."),
        ("该登记正在受理", "请稍后重发或查询状态。"),
    ),
    Name.RATE_LIMITED: _row(
        429, ("Too many requests", "Wait as `Retry-After` says."), ("请求过多", "请按 `Retry-After` 等待后重试。")
    ),
    Name.BACKLOG_SHARE_USED: _row(
        429,
        ("Too many of your registrations are undecided", "Wait as `Retry-After` says; those taken in are being decided."),
        ("贵方未决登记过多", "请按 `Retry-After` 等待；已受理的仍在处理。"),
    ),
    Name.TOO_MANY_UPLOADS: _row(
        503, ("Too many uploads at once", "Wait as `Retry-After` says."), ("同时上传过多", "请按 `Retry-After` 等待后重试。")
    ),
    Name.TOO_MANY_WAITING: _row(
        503,
        ("Too many are waiting at once", "Wait as `Retry-After` says."),
        ("等待的连接过多", "请按 `Retry-After` 等待后重试。"),
    ),
    Name.LEDGER_UNAVAILABLE: _row(
        503,
        ("Registrations cannot be taken in now", "Nothing was kept. Repeat the same request as `Retry-After` says."),
        ("暂时无法受理登记", "未保留任何数据。请按 `Retry-After` 原样重发。"),
    ),
    Name.PUBLISH_DOUBTFUL: _row(
        503,
        ("It is not certain that the registration was taken in", "Repeat the same request unchanged: that is safe."),
        ("登记是否受理尚不确定", "请原样重发同一请求：重发是安全的。"),
    ),
    Name.VAULT_FULL: _row(
        503,
        ("There is no room for the recording", "Nothing was kept. Repeat as `Retry-After` says; staff have been alerted."),
        ("存储空间不足", "未保留任何数据。请按 `Retry-After` 重试；已通知运维。"),
    ),
    Name.VAULT_UNAVAILABLE: _row(
        503,
        ("The recording cannot be stored now", "Nothing was kept. Repeat the same request as `Retry-After` says."),
        ("暂时无法存储录像", "未保留任何数据。请按 `Retry-After` 原样重发。"),
    ),
    Name.INTERNAL_ERROR: _row(
        500, ("A fault of ours", "Repeat once; if it stays, tell us the time."), ("系统故障", "请重试一次；如仍失败请告知时间。")
    ),
}
