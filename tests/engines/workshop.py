"""A made-up policy with what mall lacks: dated parameters, mixed clocks, a zone with summer time, every table."""

from __future__ import annotations

from pathlib import Path

from pack.building import write_pack
from svc_policy import Policy, load

POLICY = """
schema = 1
id = "workshop"
title.en = "Workshop"
title.zh = "车间"
timezone = "Europe/Berlin"
currency = "EUR"

[money]
prices_include_tax = false
tax = "{vat}"
rounding = "half up"
rounding_place = "total"

[week]
mon = ["08:00-12:00", "12:30-17:00"]
tue = ["08:00-12:00", "12:30-17:00"]
wed = ["08:00-12:00"]
thu = ["08:00-12:00", "12:30-17:00"]
fri = ["22:00-30:00"]

[calendar]
valid = ["2015-01-01", "2026-12-31"]

[facts.hold_kind]
values = ["parts", "customer", "weather"]

[facts.incident_kind]
values = ["broken", "late", "missed", "mistake"]

[facts.floor]
kind = "count"
absence = "unknown"
label.en = "floor"
label.zh = "楼层"

[facts.lift]
kind = "bool"
absence = "default"
default = false
label.en = "lift"
label.zh = "电梯"

[facts.deposit]
kind = "money"
absence = "none"
label.en = "deposit"
label.zh = "押金"

[roles.chief]
en = "chief"
zh = "主管"
[roles.clerk]
en = "clerk"
zh = "文员"

[parameters.vat]
kind = "share"
values = [{ value = "16 %" }, { from = "2025-01-01", value = "19 %" }]
label.en = "tax"
label.zh = "税"

[parameters.length]
kind = "months"
values = [{ value = "12 months" }, { from = "2024-01-01", value = "24 months" }]
label.en = "length"
label.zh = "期限"

[parameters.window]
kind = "allowance"
values = [{ value = "24 h" }, { from = "2025-06-01", value = "36 h" }]
label.en = "window"
label.zh = "时限"

[parameters.strict]
kind = "bool"
values = [{ value = "no" }, { from = "2025-01-01", value = "yes" }]
label.en = "strict"
label.zh = "严格"

[parameters.near]
kind = "distance"
values = [{ value = "5 km" }, { from = "2025-01-01", value = "8 km" }]
label.en = "near"
label.zh = "近"

[parameters.warn]
kind = "share"
value = "50 %"
label.en = "warn"
label.zh = "提醒"

[parameters.fine]
kind = "money"
values = [{ value = "20 EUR" }, { from = "2025-01-01", value = "30 EUR" }]
label.en = "fine"
label.zh = "罚款"
"""

FILES = {
    "policy.toml": POLICY,
    "calendar.csv": "day,windows,why\n2025-12-25,off,Christmas\n2025-12-26,off,Christmas\n2025-05-03,as mon,made up\n",
    "clauses.csv": "clause,place,en,zh\nw-1,1,One rule.,一条。\n",
    "labels.csv": "name,en,zh\nparts,parts,配件\ncustomer,customer's wish,客户\nweather,weather,天气\n",
    "intake.csv": "rule,from,until,channel,then: field,then: owner,cite\n"
    "call,,2025-01-01,-,customer_phone,clerk,w-1\ncall,2025-01-01,,not(missing),customer_phone,clerk,w-1\n",
    "warranty.csv": "rule,from,until,part_class,product_class,then: length,then: starts,cite\n"
    "battery,,,battery,-,6 months,installed,w-1\n"
    "pump,,2024-06-01,-,pump,36 months,accepted,w-1\n"
    "pump,2024-06-01,,-,pump,{length},installed,w-1\n"
    'rest,,,-,"not(rented)",{length},purchased,w-1\n',
    "exclusions.csv": "rule,from,until,cause,strict,part_class,then: reason,cite\n"
    "misuse,,,misuse,-,-,misuse,w-1\nwear,2024-03-01,,wear,yes,-,wear,w-1\nseal,,,-,-,seal,seal,w-1\n",
    "entitlements.csv": "rule,in_contract,contract_covers_labour,contract_visits_left,covered,"
    "then: labour,then: parts,then: visit,cite\n"
    "full,yes,yes,> 0,-,yes,yes,yes,w-1\nvisits,yes,-,> 0,no,no,no,yes,w-1\nlabour,yes,yes,-,-,yes,no,no,w-1\n",
    "category.csv": "rule,internal,in_contract,covered,strict,then: category,cite\n"
    "internal,yes,-,-,-,D,w-1\ncontract,-,yes,-,-,B,w-1\nfree,-,-,yes,no,C,w-1\nfree_strict,-,-,yes,yes,C,w-1\n"
    "paid,-,-,-,-,A,w-1\n",
    "holds.csv": "rule,hold_kind,then: stops,cite\n"
    'parts,parts,"arrived, reported",w-1\nall,"customer",all,w-1\nweather,weather,-,w-1\n',
    "deadlines.csv": "rule,from,until,distance_km,category,service_zone,request_kind,"
    "then: starts,then: ends,then: within,then: clock,then: owner,cite\n"
    "near,,,<= {near},-,-,-,received,arrived,{window},calendar,clerk,w-1\n"
    "far,,2025-01-01,> {near},-,north,-,received,arrived,12 working h,-,clerk,w-1\n"
    "far,2025-01-01,,> {near},-,north,-,received,arrived,10 working h,-,clerk,w-1\n"
    "far_days,,,> {near},-,not(north),-,confirmed,arrived,2 working days,-,clerk,w-1\n"
    'report,,,-,"A, B",-,-,finished,reported,3 working days,-,clerk,w-1\n'
    "report_free,,,-,C,-,-,finished,reported,5 days,-,clerk,w-1\n"
    "audit,,,-,-,-,-,reported,audited,2 months,-,-,w-1\n"
    "answer,,,-,-,-,not(fault),received,answered,90 working min,-,-,w-1\n"
    "back,,,-,-,-,-,delivered,called_back,30 days,-,-,w-1\n",
    "fees.csv": "rule,from,until,category,on_site,floor,lift,distance_km,contract_visit,"
    "then: line,then: fixed,then: rate,then: per,then: measure,then: beyond,then: step,then: at least,cite\n"
    'free,,,"C, D",-,-,-,-,-,visit,0 EUR,-,-,-,-,-,-,w-1\n'
    "contract,,,-,-,-,-,-,yes,visit,0 EUR,-,-,-,-,-,-,w-1\n"
    "visit,,2025-01-01,-,yes,-,-,-,-,visit,20 EUR,0.45 EUR,1 km,distance_km,10 km,-,-,w-1\n"
    "visit,2025-01-01,,-,yes,-,-,-,-,visit,22.50 EUR,0.50 EUR,1 km,distance_km,10 km,5 km,15 km,w-1\n"
    'stairs,,,"A, B",yes,> 3,no,-,-,stairs,-,3.33 EUR,1,floor,3,2,-,w-1\n'
    'labour,,,"A, B",-,-,-,-,no,labour,-,61.01 EUR,1 h,labour_hours,-,15 min,-,w-1\n'
    "labour_contract,,,B,-,-,-,-,-,labour,-,41 EUR,1 h,labour_hours,-,-,-,w-1\n",
    "part_fees.csv": "rule,from,until,part_covered,contract_parts,cause,then: share,cite\n"
    "free,,,yes,-,-,0 %,w-1\ncontract,,,-,yes,-,0 %,w-1\n"
    "misuse,,2025-01-01,-,-,misuse,110 %,w-1\nmisuse,2025-01-01,,-,-,misuse,120 %,w-1\nrest,,,-,-,-,100 %,w-1\n",
    "surcharges.csv": "rule,from,until,visit_time,category,then: line,then: share,then: of,cite\n"
    'night,,,"night, holiday","A, B",night,33.33 %,"visit, labour",w-1\n'
    "autumn,2025-09-01,2025-12-01,-,A,autumn,2.5 %,stairs,w-1\n",
    "payers.csv": "rule,fee_refused,internal,then: payer,cite\nrefused,yes,-,chief,w-1\ninternal,-,yes,clerk,w-1\n"
    "customer,-,-,customer,w-1\n",
    "overrides.csv": "rule,override_kind,role,then: limit,cite\nchief,discount,chief,1000 EUR,w-1\n"
    "clerk,discount,clerk,10 EUR,w-1\nwaive,penalty_waiver,chief,{fine},w-1\n",
    "confirmations.csv": "rule,category,payer,deposit,then: reason,cite\n"
    "paid,A,customer,< {fine},deposit_small,w-1\nnone,A,-,missing,deposit_none,w-1\n",
    "approvals.csv": "rule,chargeable,needs_confirmation,arrived_status,then: approver,then: subject,cite\n"
    "free,no,-,-,chief,free,w-1\nconfirm,-,yes,-,clerk,confirm,w-1\n"
    'late,-,-,"late, breached",chief,late,w-1\nwait,-,-,"on hold",chief,wait,w-1\n',
    "penalties.csv": "rule,from,until,incident_kind,extra_cost,strict,"
    "in_working_hours,earlier_repairs,customer_complained,"
    "then: liable,then: amount,then: least,then: most,then: decided by,then: amount of,then: outcome,cite\n"
    "broken,,,broken,> 0 EUR,-,-,-,-,clerk,{fine},-,-,chief,-,-,w-1\n"
    "late,,2025-01-01,late,-,-,-,-,-,clerk,-,5 EUR,50 EUR,chief,-,-,w-1\n"
    "late,2025-01-01,,late,-,-,-,-,-,clerk,-,6 EUR,60 EUR,chief,-,-,w-1\n"
    'open,,,"not(broken, late)",-,yes,-,-,-,clerk,-,-,-,chief,-,-,w-1\n'
    "missed,,,missed,-,-,yes,-,-,clerk,5 EUR,-,-,-,-,-,w-1\n"
    "missed_night,,,missed,-,-,no,-,-,clerk,-,-,-,-,-,finding,w-1\n"
    "mistake,,,mistake,-,-,-,-,-,clerk,-,-,-,chief,loss,-,w-1\n"
    "again,,,broken,-,-,-,>= 2,yes,clerk,-,-,-,chief,extra_cost,-,w-1\n",
    "zones.csv": "rule,from,until,district,distance_km,then: zone,cite\n"
    'listed,,,"Mitte, Nord",-,north,w-1\nnear,2025-01-01,,-,<= {near},north,w-1\nfar,,,-,> 50 km,south,w-1\n',
    "complaints.csv": "rule,from,until,request_kind,injury,amount_claimed,earlier_complaints,then: class,cite\n"
    "hurt,,,complaint,yes,-,-,serious,w-1\nmoney,2025-01-01,,complaint,-,>= {fine},-,serious,w-1\n"
    "again,,,complaint,-,-,>= 2,serious,w-1\nrest,,,complaint,-,-,-,ordinary,w-1\n",
    "procedures.csv": "rule,from,until,category,complaint_class,deposit,"
    "then: procedure,then: step,then: owner,then: order,then: done,cite\n"
    "plan,,,-,-,-,repair,plan,clerk,1,quoted_at,w-1\nfetch,,2025-01-01,A,-,-,repair,fetch,clerk,2,taken_in,w-1\n"
    "do,,,-,-,-,repair,do,clerk,3,finished_at,w-1\nlook,,,-,-,-,repair,look,chief,3,serial_no,w-1\n"
    "paper,,,-,-,not(missing),paper,file,clerk,2,-,w-1\nhear,,,-,serious,-,paper,hear,chief,1,delivered_on,w-1\n",
    "appraisals.csv": "rule,from,until,customer_kind,then: aspect,then: weight,then: levels,cite\n"
    "manner,,2025-01-01,-,rated_attitude,33.33 %,4,w-1\nskill,,2025-01-01,-,rated_skill,66.67 %,4,w-1\n"
    "manner,2025-01-01,,-,rated_attitude,100 %,4,w-1\n",
    "compensations.csv": "rule,from,until,category,strict,then: limit,then: prevails,then: decided by,cite\n"
    "free,,,C,-,-,contract,chief,w-1\nlesser,,,B,yes,{fine},lesser,-,w-1\ngreater,,,B,-,40 EUR,greater,chief,w-1\n"
    "rule,,,A,-,100 EUR,rule,chief,w-1\n",
    "late_penalties.csv": "rule,from,until,target,category,then: liable,then: amount,then: least,then: most,"
    "then: decided by,cite\n"
    "arrive,,2025-01-01,arrived,-,clerk,10 EUR,-,-,chief,w-1\n"
    'arrive,2025-01-01,,arrived,"A, B",clerk,12 EUR,-,-,chief,w-1\n'
    "report,,,reported,-,clerk,-,1 EUR,2 EUR,chief,w-1\n",
    "escalations.csv": "rule,from,until,target,used_share,category,floor,complaint_class,"
    "then: level,then: notify,then: when,then: answer,cite\n"
    'begin,,,"arrived, answered",>= 0 %,-,-,-,0,clerk,-,-,w-1\n'
    'half,,,"arrived, reported, audited",>= {warn},-,-,-,1,clerk,at once,-,w-1\n'
    'late,2024-06-01,,"arrived, reported, called_back",>= 100 %,"A, B",-,-,2,chief,-,-,w-1\n'
    "high,,,answered,>= 150 %,-,> 5,-,3,chief,-,-,w-1\n"
    'tomorrow,,,"answered, called_back",>= 100 %,-,-,-,1,chief,next working day,-,w-1\n'
    "grave,,,-,-,-,-,serious,3,chief,-,letter,w-1\n",
    "routing.csv": "rule,answered_status,reported_status,then: step,then: owner,then: order,cite\n"
    'answer,"pending, breached",-,answer,clerk,2,w-1\nremind,-,breached,remind,chief,1,w-1\n',
    "forms.csv": "rule,payer,all_parts_covered,compensation_allowed,then: form,then: owner,then: copies,"
    "then: recipient,then: chosen by,cite\n"
    "bill,customer,-,-,bill,clerk,2,-,-,w-1\nclaim,-,no,-,claim,clerk,1,chief,chief,w-1\n"
    "pay,-,-,> 0 EUR,pay,clerk,1,-,-,w-1\n",
    "checklists.csv": "rule,request_kind,then: stage,then: item,then: order,cite\n"
    "look,fault,before,look,1,w-1\nask,missing,before,ask,-,w-1\n",
    "surveys.csv": "rule,customer_kind,then: survey,then: owner,then: scale,cite\ncall,person,call,clerk,-,w-1\n",
    "duties.csv": "rule,site,then: owner,then: duty,cite\nnorth,north,chief,north,w-1\n"
    "somewhere,not(missing),clerk,go,w-1\n",
}


def workshop(folder: Path) -> Policy:
    """Write and load the policy."""
    return load(write_pack(folder / "workshop", FILES))
