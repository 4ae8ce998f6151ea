"""Metadata documents as a real environment writes them, made for tests."""

EDMX = "http://docs.oasis-open.org/odata/ns/edmx"
EDM = "http://docs.oasis-open.org/odata/ns/edm"
NAMESPACE = "Microsoft.Dynamics.DataEntities"

LEVEL = """<EnumType Name="CardLevel"><Member Name="Gold" Value="10"/>
<Member Name="Basic" Value="0"/></EnumType>
<EnumType Name="NoYes"><Member Name="No" Value="0"/><Member Name="Yes" Value="1"/></EnumType>"""
CARD = f"""<EntityType Name="LoyaltyCard">
<Key><PropertyRef Name="dataAreaId"/><PropertyRef Name="CardNumber"/></Key>
<Property Name="dataAreaId" Type="Edm.String" Nullable="false"/>
<Property Name="CardNumber" Type="Edm.String" Nullable="false" MaxLength="20">
<Annotation Term="Microsoft.Dynamics.OData.Core.V1.LabelId" String="@ABC1"/></Property>
<Property Name="Level" Type="{NAMESPACE}.CardLevel"/>
<Property Name="IsActive" Type="{NAMESPACE}.NoYes"/>
<Property Name="Points" Type="Edm.Int32" Nullable="false"/>
<Property Name="Balance" Type="Edm.Decimal" Nullable="false" Scale="variable"/>
<Property Name="IssuedOn" Type="Edm.DateTimeOffset" Nullable="false"/>
<Property Name="CustomerGroupId" Type="Edm.String"/>
<Property Name="Total" Type="Edm.Decimal"><Annotation Term="Org.OData.Core.V1.Computed"/></Property>
<Property Name="Notes" Type="Collection(Edm.String)"/>
<NavigationProperty Name="Group" Type="{NAMESPACE}.CustomerGroup">
<ReferentialConstraint Property="dataAreaId" ReferencedProperty="dataAreaId"/>
<ReferentialConstraint Property="CustomerGroupId" ReferencedProperty="CustomerGroupId"/>
</NavigationProperty></EntityType>"""
GROUP = """<EntityType Name="CustomerGroup">
<Key><PropertyRef Name="dataAreaId"/><PropertyRef Name="CustomerGroupId"/></Key>
<Property Name="dataAreaId" Type="Edm.String" Nullable="false"/>
<Property Name="CustomerGroupId" Type="Edm.String" Nullable="false"/>
<Property Name="PaymentTermId" Type="Edm.String"/>
<Property Name="OwnThing" Type="Edm.String"/></EntityType>"""
SETS = {"LoyaltyCards": "LoyaltyCard", "CustomerGroups": "CustomerGroup"}


def metadata(types=LEVEL + CARD + GROUP, sets=None, *, more=""):
    """A document of these types and sets (collection to type)."""
    listed = "".join(
        f'<EntitySet Name="{name}" EntityType="{NAMESPACE}.{kind}"/>'
        for name, kind in (SETS if sets is None else sets).items()
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<edmx:Edmx Version="4.0" xmlns:edmx="{EDMX}">'
        f'<edmx:DataServices><Schema Namespace="{NAMESPACE}" xmlns="{EDM}">\n{types}\n'
        f'<EntityContainer Name="Resources">{listed}{more}</EntityContainer>'
        "</Schema></edmx:DataServices></edmx:Edmx>"
    ).encode()


def simple_type(name, inside="", attributes=""):
    """An entity type with one key field, and what is given beside it."""
    return (
        f'<EntityType Name="{name}"{attributes}><Key><PropertyRef Name="Id"/></Key>'
        f'<Property Name="Id" Type="Edm.String" Nullable="false"/>{inside}</EntityType>'
    )
