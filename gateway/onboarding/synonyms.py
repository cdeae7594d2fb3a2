"""What sources call the attributes (字段异名), gathered from interfaces in use. Names only; what they mean is decided
by a person."""

from __future__ import annotations


def _names(text: str) -> dict[str, str]:
    return dict.fromkeys(text.split(), "")


SYNONYMS: dict[str, dict[str, str]] = {
    "service.area_code": _names("area 区划 行政区划代码 区划代码 xzqh xzqhdm areaid regioncode"),
    "service.dept_code": _names("部门编码 部门代码 统一社会信用代码 受理部门代码 deptid orgid departcode tyshxydm"),
    "service.org_name": _names("部门名称 部门 单位名称 deptname departname 受理单位 bmmc"),
    "service.task_code": _names("事项编码 实施编码 事项代码 itemcode itemno matterCode sxbm taskid"),
    "service.task_name": _names("事项名称 itemname mattername sxmc"),
    "service.project_no": _names("办件编号 办件号 业务流水号 projid projectid caseno bjbh bsnum"),
    "service.project_name": _names("办件名称 projname casename bjmc mattername"),
    "service.project_status": _names("办件状态 status prostate projectstatus casestatus bjzt"),
    "service.project_type": _names("办件类型 casetype handlekind bjlx"),
    "service.project_channel": _names("case.channel 办理渠道 申请渠道 bjqd"),
    "service.promise_day": _names("承诺期限 承诺天数"),
    "service.promise_type": _names("promiseunit 承诺期限单位"),
    "service.user_prop": _names("applicant.type 申请人类型 usertype userkind callertype applicanttype 用户类型 sqrlx"),
    "service.user_name": _names(
        "applicant.name 申请人 申请人姓名 applicant callername applicantname 办事人 sqrxm 姓名"
    ),
    "service.user_page_type": _names("applicant.certtype 证件类型 certtype idtype cardtype zjlx"),
    "service.cert_key": _names("mark 身份标识 openid"),
    "service.cert_key_gov": _names("applicant.certno 证件号码 证件号 certno idcard idno cardno zjhm 身份证号"),
    "service.mobile": _names("applicant.mobile 手机号 手机号码 联系电话 phone tel telephone mobilephone lxdh sjh"),
    "service.service_name": _names("service.name 服务名称 servicename fwmc"),
    "service.service_number": _names("service.number 服务次数 serviceno servicecount fwcs"),
    "service.service_time": _names("service.time 服务时间 serviceat servicedate fwsj"),
    "service.apply_date": _names("申请时间 applyat applytime applydate sqsj"),
    "service.accept_date": _names("受理时间 acceptat accepttime acceptdate slsj"),
    "service.result_date": _names("办结时间 finishat finishtime resulttime enddate bjsj"),
    "evaluation.assess_number": _names("evaluation.round round 评价轮次 评价次数 pjcs"),
    "evaluation.satisfaction": _names(
        "evaluation.satisfaction 评价 满意度 整体满意度 评价结果 grade score level myd pjjg"
    ),
    "evaluation.channel": _names("evaluation.pf pf 评价渠道 设备类型 devicetype channeltype pjqd"),
    "evaluation.indicators": _names("evaluation.indicators indicators reasons 评价内容 评价指标 evaldetail tags"),
    "evaluation.writing_evaluation": _names("evaluation.text text comment 文字评价 评价意见 content opinion wzpj"),
    "evaluation.assess_time": _names("evaluation.time 评价时间 assessedat ratingtime evaluatetime assesstime pjsj"),
    "evaluation.anonymous": _names("evaluation.anonymous hidename isanonymous 是否匿名 sfnm"),
    "evaluation.public_flag": _names("evaluation.public open ispublic 是否公开 sfgk"),
    "evaluation.is_default": _names("evaluation.isdefault isdefault auto 是否默认 默认评价 sfmr"),
    "applicant_type:values": {"个人": "1", "自然人": "1"},
    "certificate_type:values": {"身份证": "111", "统一社会信用代码": "001"},
    "channel:values": {
        "平板": "4",
        "自助机": "5",
        "窗口平板": "4",
        "电话": "6",
        "短信": "7",
        "移动端": "2",
        "二维码": "3",
    },
}
