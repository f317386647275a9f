"""What a request must name to work: a case that allows the move, a unit that nobody will miss, an import
with rows. Generated requests name what is not there; some of them are given these names, and keep all
else that was generated."""

import json
import os
import urllib.error
import urllib.parse
import urllib.request

URL = os.environ["ZHIDA_URL"]
TOKEN = os.environ["ZHIDA_TOKEN"]
# A county, and a matter that is at home in a grid (examples/clients/units.ndjson, config/xinyang).
COUNTY = "411502"
# What its townships get of villages, each with a code of three digits.
VILLAGES_MAX = 900
MATTER = "CO-002"
CATALOGUE = "config/xinyang/catalogue.toml"
# At most 8 imports may be open.
OPEN_MAX = 6

MOVES = {
    # What came before, and who makes it: of the case's grid and village.
    "acknowledge_case": ([], "grid"),
    "escalate_case": ([], "grid"),
    "transfer_case": ([], "grid"),
    "return_case": ([], "grid"),
    "decline_case": ([], "grid"),
    "note_case": ([], "grid"),
    "reveal_case": ([], "grid"),
    "void_case": ([], "room"),
    "handle_case": (["acknowledge"], "grid"),
    "close_case": (["acknowledge", "handle"], "grid"),
    "reopen_case": (["decline"], "grid"),
    "hand_down_case": (["escalate"], "village"),
}


class City:
    """Makes what is named, as the administrator."""

    def __init__(self):
        self.made = 0
        self.townships = set()

    def call(self, method, path, body=None, kind="application/json"):
        """The answer's JSON; a refusal is an error of the run."""
        request = urllib.request.Request(URL + path, method=method)
        request.add_header("Authorization", f"Bearer {TOKEN}")
        if method == "POST":
            request.add_header("If-Match", "*")
            request.add_header("Content-Type", kind)
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, data, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.read().decode()}") from error

    def number(self):
        self.made += 1
        return self.made

    def village(self):
        """A new village with two grids: their codes, and that of the room above."""
        township, village = divmod(self.number(), VILLAGES_MAX)
        township = f"{COUNTY}{100 + township}"
        room = f"{township}000-R01"
        if township not in self.townships:
            self.townships.add(township)
            self.open({"code": f"{township}000", "kind": "division", "name": "街道"})
            self.open({"code": room, "kind": "governance_room", "name": "社会治理中心"})
        code = f"{township}{100 + village}"
        units = {"village": code, "grid": f"{code}001", "beside": f"{code}002", "room": room}
        self.open({"code": code, "kind": "division", "name": "社区"})
        for grid in ("grid", "beside"):
            self.open({"code": units[grid], "kind": "grid", "name": "网格"})
        return units

    def open(self, row):
        self.call("POST", "/v1/units", {"row": row})

    def case(self, before=()):
        """A new case that went so far: its number, and its units."""
        self.bring_into_force()
        units = self.village()
        case = self.call("POST", "/v1/cases", {
            "matter": MATTER, "place": units["grid"], "source": "patrol", "text": "路灯不亮。",
            "claimant": {"name": "张三", "phone": "13900000000", "address": "望淮桥"},
        })["case"]
        text = {"handle": "measures", "decline": "reason", "escalate": "reason"}
        for move in before:
            said = {text[move]: "好"} if move in text else {}
            self.call("POST", f"/v1/cases/{case}/{move}", {"by": units["grid"], **said})
        return case, units

    def bring_into_force(self):
        """The catalogue, where another took its place."""
        matters = self.call("GET", "/v1/matters")["matters"]
        if any(one["code"] == MATTER and not one.get("retired") for one in matters):
            return
        proposal = self.propose()
        self.call("POST", f"/v1/config/proposals/{proposal}/apply")

    def propose(self):
        self.make_room()
        with open(CATALOGUE, "rb") as file:
            text = file.read()
        return self.call("POST", "/v1/config/proposals", text, "application/toml")["proposal"]

    def import_(self):
        self.make_room()
        return self.call("POST", "/v1/imports", {"origin": "units.ndjson"})["import"]

    def make_room(self):
        """Ends the oldest imports, where many are open."""
        imports = self.call("GET", "/v1/imports")["imports"]
        for one in imports[:max(0, len(imports) - OPEN_MAX)]:
            self.call("POST", f"/v1/imports/{one['import']}/abandon")

    def stage(self, number):
        row = {"code": f"{self.village()['grid'][:12]}009", "kind": "grid", "name": "网格"}
        rows = json.dumps(row).encode()
        self.call("POST", f"/v1/imports/{number}/units", rows, "application/x-ndjson")

    def client(self):
        name = f"app {self.number()}"
        self.call("POST", "/v1/clients", {"name": name, "scopes": ["read"]})
        return name

    # What a request to that operation names.

    def name_things(self, operation, case):
        """Gives a generated request names that are good."""
        named = self.of_case(operation) or self.of_unit(operation) or self.of_other(operation)
        path, body, text = named or ({}, {}, None)
        for name, value in path.items():
            case.path_parameters[name] = value
        if body and isinstance(case.body, dict):
            case.body = {**case.body, **body}
        if text is not None:
            case.body = text

    def of_case(self, operation):
        if operation in MOVES:
            before, by = MOVES[operation]
            case, units = self.case(before)
            body = {"by": units[by]}
            to = {"transfer_case": "beside", "hand_down_case": "grid"}.get(operation)
            if to is not None:
                body["to"] = units[to]
            if operation == "reveal_case":
                body["fields"] = ["name", "address"]
            return {"id": case}, body, None
        if operation in ("get_case", "get_timeline", "get_targets"):
            return {"id": self.case()[0]}, {}, None
        if operation == "report_case":
            self.bring_into_force()
            grid = self.village()["grid"]
            return {}, {"matter": MATTER, "place": grid, "by": grid, "occurred_at": None}, None
        return None

    def of_unit(self, operation):
        if not operation.endswith(("_unit", "_units", "_children", "_ancestors", "_modules", "_inbox",
                                   "_queue", "_watch", "_unit_counts")):
            return None
        if operation in ("find_units", "export_units", "stage_units"):
            return None
        units = self.village()
        grid, beside = units["grid"], units["beside"]
        new = {"code": f"{grid[:12]}008", "kind": "grid", "name": "新网格"}
        other = {**new, "code": f"{grid[:12]}009"}
        body = {
            "open_unit": {"row": new},
            "change_unit": {"row": {**new, "code": grid}},
            "close_unit": {"successor": beside, "valid_until": None},
            "split_unit": {"rows": [new, other], "successor": beside},
            "merge_units": {"units": [beside]},
            "move_unit": {"to": new["code"]},
        }
        if operation == "keep_unit":
            later = {"successor": beside, "valid_until": "2999-01-01T00:00:00+08:00"}
            self.call("POST", f"/v1/units/{grid}/close", later)
        path = {} if operation == "open_unit" else {"code": grid}
        return path, body.get(operation, {}), None

    def of_other(self, operation):
        if operation in ("get_client", "change_client", "rotate_client", "revoke_client"):
            body = {"change_client": {"scopes": ["act"], "within": None, "expires_at": None}}
            return {"name": self.client()}, body.get(operation, {}), None
        if operation == "admit_client":
            body = {"name": f"app {self.number()}", "scopes": ["read"], "within": None,
                    "expires_at": None}
            return {}, body, None
        if operation in ("begin_import", "propose_config"):
            self.make_room()
            return None
        if operation in ("get_proposal", "apply_proposal"):
            return {"id": self.propose()}, {}, None
        if operation in ("get_import", "get_findings", "stage_units", "stage_text", "commit_import",
                         "abandon_import"):
            number = self.import_()
            row = {"code": f"{self.village()['grid'][:12]}007", "kind": "grid", "name": "网格"}
            if operation == "commit_import":
                self.stage(number)
            return {"id": number}, {}, row if operation == "stage_units" else None
        return None
