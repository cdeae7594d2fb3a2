"""Attributes of records.md sections 1 to 3: canonical name, wire name, form, requirement, code list.

``–`` stands for none. Forms as printed there (``an..50`` up to fifty characters); free text is stored up to 500.
"""

from __future__ import annotations

from typing import NamedTuple


class Written(NamedTuple):
    kind: str
    name: str
    wire: str | None
    form: str
    need: str  # R | C | O
    code_list: str | None


SERVICE = """
area_code               areaCode            n12      R  –
dept_code               deptCode            an18     R  –
org_code                orgcode             an..31   R  –
org_name                orgName             an..100  R  –
task_code               taskCode            an31     R  –
task_handle_item        taskHandleItem      an33     C  –
task_name               taskName            an..200  R  –
task_type               taskType            n2       R  task_type
sub_matter              subMatter           an..200  O  –
project_no              projectNo           an..50   R  –
project_name            projectName         an..200  O  –
project_status          proStatus           n1       R  case_status
project_type            projectType         n1       R  case_type
project_channel         proChannel          n1       R  case_channel
promise_day             promiseDay          n..3     O  –
promise_type            promiseType         n1       O  time_limit_unit
anticipate_day          anticipateDay       n..3     O  –
anticipate_type         anticipateType      n1       O  time_limit_unit
manager_name            proManager          a..30    O  –
manager_no              proManagerNo        an..32   O  –
user_prop               userProp            n1       R  applicant_type
user_name               userName            an..100  R  –
user_page_type          userPageType        n3       R  certificate_type
cert_key                certKey             an..128  C  –
cert_key_gov            certKeyGOV          an..50   C  –
handle_user_name        handleUserName      a..30    C  –
handle_user_page_type   handleUserPageType  n3       C  certificate_type
handle_user_page_code   handleUserPageCode  an..50   C  –
mobile                  mobile              an..18   R  –
service_name            serviceName         an..100  R  –
service_stage           –                   slug     R  service_stage
service_number          serviceNumber       n..2     R  –
service_time            serviceTime         dt       R  –
apply_date              applydate           dt       O  –
accept_date             acceptDate          dt       C  –
result_date             resultDate          dt       C  –
is_service              isService           n1       O  –
data_source             dataSource          n3       R  data_source
"""
EVALUATION = """
project_no              projectNo           an..50   R  –
service_number          serviceNumber       n..2     R  –
assess_number           assessNumber        n..2     R  –
satisfaction            satisfaction        n1       R  satisfaction
channel                 pf                  n1       R  channel
indicators              evalDetail          list     C  –
writing_evaluation      writingEvaluation   ul..500  C  –
assess_time             assessTime          dt       R  –
user_name               userName            an..100  O  –
user_prop               userProp            n1       O  applicant_type
user_page_type          userPageType        n3       O  certificate_type
cert_key                certKey             an..128  O  –
cert_key_gov            certKeyGOV          an..50   O  –
handle_user_name        handleUserName      a..30    O  –
handle_user_page_type   handleUserPageType  n3       O  certificate_type
handle_user_page_code   handleUserPageCode  an..50   O  –
anonymous               anonymityFlag       n1       O  anonymity_flag
public_flag             publicFlag          n1       O  public_flag
is_default              isdefault           n1       R  default_flag
origin                  –                   slug     R  evaluation_origin
review_status           appStatus           n1       O  review_status
effective               effectivEvalua      n1       O  effective_flag
operation               flag                a1       R  operation_flag
"""
RECTIFICATION = """
project_no              projectNo           an..50   R  –
service_number          serviceNumber       n..2     R  –
assess_number           assessNumber        n..2     R  –
cycle                   cycle               n..2     R  –
external_id             evaluateUnid        an..64   O  –
work_order_no           workOrderNo         an..50   R  –
dept_code               deptCode            an18     R  –
dept_name               deptName            an..100  R  –
status                  orderStatus         n2       R  work_order_status
dispatch_time           dispatchTime        dt       C  –
sign_for_time           signTime            dt       C  –
due_time                dueTime             dt       R  –
due_rule                dueRule             an..32   R  –
verify_result           verifyResult        slug     C  verify_result
measure                 measure             slug     O  rectification_measure
rectification           rectification       an..1000 C  –
feedback_time           feedbackTime        dt       C  –
feedback_channel        feedbackChannel     slug     C  feedback_channel
revisit_time            revisitTime         dt       O  –
revisit_outcome         revisitOutcome      slug     O  revisit_outcome
revisit_satisfaction    revisitSatisfaction n1       O  satisfaction
effective               effectivEvalua      n1       C  effective_flag
review_status           appStatus           n1       R  review_status
operation               flag                a1       R  operation_flag
handler_name            handlerName         a..30    O  –
"""

# personal data (section 1) and free text, which may hold any of it
PERSONAL = {
    "service": frozenset(
        {"user_name", "mobile", "cert_key", "cert_key_gov"}
        | {"handle_user_name", "handle_user_page_type", "handle_user_page_code"}
    ),
    "evaluation": frozenset(
        {"user_name", "cert_key", "cert_key_gov", "writing_evaluation"}
        | {"handle_user_name", "handle_user_page_type", "handle_user_page_code"}
    ),
    "rectification": frozenset({"rectification", "handler_name"}),
}


def _rows(kind: str, table: str) -> list[Written]:
    rows = []
    for line in table.strip().splitlines():
        name, wire, form, need, code_list = (None if part == "–" else part for part in line.split())
        assert name is not None
        rows.append(Written(kind, name, wire, form or "", need or "", code_list))
    return rows


ATTRIBUTES: list[Written] = [
    *_rows("service", SERVICE),
    *_rows("evaluation", EVALUATION),
    *_rows("rectification", RECTIFICATION),
]
